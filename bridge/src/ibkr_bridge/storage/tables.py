"""The journal's tables. The events are the record; all the others are ways to find them.

An event's row holds the event and the order as it stood after it, and its `chain` seals both. Nothing that matters
is written twice: an order's current state is the state in its latest event, an execution's price is in its event.
Guards' decisions and answers to IBKR's questions are events of the order, so they need no tables of their own.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

# PostgreSQL sorts text by language unless told otherwise; ids and times must sort by their bytes everywhere.
Name = String().with_variant(String(collation="C"), "postgresql")
Number = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits in both: an INTEGER of SQLite is as wide as it needs to be, and as primary key is the row's own number."""

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("id", Name, primary_key=True),
    Column("created_at", Name, nullable=False),
    Column("genesis", Name, nullable=False),
)
"""One row: the name of this journal, and the first link of its chain, by which a wrong key is told."""

orders = Table(
    "orders",
    metadata,
    Column("id", Name, primary_key=True),
    Column("account", Name, nullable=False),
    Column("client_order_id", Name),
    Column("status", Name, nullable=False),
    Column("created_at", Name, nullable=False),
    Column("updated_at", Name, nullable=False),
    Column("seq", Number, nullable=False),
    Index("orders_by_status", "status", "id"),
    Index("orders_by_account", "account", "id"),
    Index("orders_by_account_and_status", "account", "status", "id"),
    sqlite_with_rowid=False,
)
"""`seq` is the order's latest event."""

bindings = Table(
    "bindings",
    metadata,
    Column("account", Name, primary_key=True),
    Column("client_order_id", Name, primary_key=True),
    Column("order_id", Name, ForeignKey("orders.id"), nullable=False),
    Column("fingerprint", Name, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("order_id", Name, ForeignKey("orders.id"), nullable=False),
    Column("at", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("chain", Name, nullable=False),
    Index("events_by_order", "order_id", "seq"),
)
"""JSON as text, not as the database's own kind: the seal is over these very bytes."""

executions = Table(
    "executions",
    metadata,
    Column("exec_id", Name, primary_key=True),
    Column("order_id", Name, ForeignKey("orders.id"), nullable=False),
    Column("seq", Number, ForeignKey("events.seq"), nullable=False),
    Column("fill", Name, nullable=False),
    Index("executions_by_order", "order_id", "seq"),
    Index("executions_by_fill", "fill", "seq"),
    Index("executions_by_seq", "seq"),
    sqlite_with_rowid=False,
)
"""A correction has an id of its own and shares its predecessor's `fill`; both stay."""

switches = Table(
    "switches",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", Name, nullable=False),
    Column("at", Name, nullable=False),
    sqlite_with_rowid=False,
)
"""What an operator has set and a restart must not undo, such as a halt."""

commissions = Table(
    "commissions",
    metadata,
    Column("exec_id", Name, primary_key=True),
    Column("order_id", Name, ForeignKey("orders.id"), nullable=False),
    Column("seq", Number, ForeignKey("events.seq"), nullable=False),
    Index("commissions_by_order", "order_id", "seq"),
    sqlite_with_rowid=False,
)

broker_identities = Table(
    "broker_identities",
    metadata,
    Column("order_id", Name, ForeignKey("orders.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("perm_id", BigInteger, nullable=False),
    Column("client_id", BigInteger, nullable=False),
    Column("broker_order_id", BigInteger, nullable=False),
    Column("reference", Name, nullable=False),
    Index("broker_identities_by_perm_id", "perm_id"),
    sqlite_with_rowid=False,
)
"""The broker's names for an order, several where a change forked it."""
