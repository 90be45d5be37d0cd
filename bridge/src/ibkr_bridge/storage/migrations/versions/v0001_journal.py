"""The first schema: orders, events, bindings, executions, commissions, the broker's names and the switches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("created_at", NAME, nullable=False),
        sa.Column("genesis", NAME, nullable=False),
    )
    op.create_table(
        "switches",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("value", NAME, nullable=False),
        sa.Column("at", NAME, nullable=False),
        sqlite_with_rowid=False,
    )
    _orders()
    _events()
    _fills()
    op.create_table(
        "broker_identities",
        sa.Column("order_id", NAME, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("perm_id", sa.BigInteger, nullable=False),
        sa.Column("client_id", sa.BigInteger, nullable=False),
        sa.Column("broker_order_id", sa.BigInteger, nullable=False),
        sa.Column("reference", NAME, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("broker_identities_by_perm_id", "broker_identities", ["perm_id"])


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("account", NAME, nullable=False),
        sa.Column("client_order_id", NAME),
        sa.Column("status", NAME, nullable=False),
        sa.Column("created_at", NAME, nullable=False),
        sa.Column("updated_at", NAME, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("orders_by_status", "orders", ["status", "id"])
    op.create_index("orders_by_account", "orders", ["account", "id"])
    op.create_index("orders_by_account_and_status", "orders", ["account", "status", "id"])
    op.create_table(
        "bindings",
        sa.Column("account", NAME, primary_key=True),
        sa.Column("client_order_id", NAME, primary_key=True),
        sa.Column("order_id", NAME, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("fingerprint", NAME, nullable=False),
        sqlite_with_rowid=False,
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("order_id", NAME, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("at", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("chain", NAME, nullable=False),
    )
    op.create_index("events_by_order", "events", ["order_id", "seq"])


def _fills() -> None:
    op.create_table(
        "executions",
        sa.Column("exec_id", NAME, primary_key=True),
        sa.Column("order_id", NAME, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("seq", NUMBER, sa.ForeignKey("events.seq"), nullable=False),
        sa.Column("fill", NAME, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("executions_by_order", "executions", ["order_id", "seq"])
    op.create_index("executions_by_fill", "executions", ["fill", "seq"])
    op.create_index("executions_by_seq", "executions", ["seq"])
    op.create_table(
        "commissions",
        sa.Column("exec_id", NAME, primary_key=True),
        sa.Column("order_id", NAME, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("seq", NUMBER, sa.ForeignKey("events.seq"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("commissions_by_order", "commissions", ["order_id", "seq"])
