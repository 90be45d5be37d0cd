"""Orders on their way in: tickets, questions and answers."""
