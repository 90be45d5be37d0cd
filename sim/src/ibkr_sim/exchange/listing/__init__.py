"""What is listed, under which numbers, and when it trades."""
