"""Everything that can go wrong, as one tree.

BridgeError
├── InvalidRequest          the caller's words make no sense together         request.invalid
├── Unknown                 there is no such thing
│   ├── UnknownContract                                                       contract.unknown
│   ├── UnknownOrder                                                          order.unknown
│   └── UnknownExchange                                                       exchange.unknown
├── AmbiguousContract       several contracts fit                             contract.ambiguous
├── Refused                 understood, and declined
│   ├── GuardDenied         by us, before anything was sent                   guard.<name>
│   ├── BrokerRefused       by IBKR, with its code and text                   broker.refused
│   │   └── LineRefused     no data for now: limits, a halt, another session  broker.no_line
│   ├── QuestionAsked       IBKR wants a yes first; nothing is live           order.question
│   ├── NotAsked            no question of IBKR is open                       order.not_asked
│   ├── QuestionRefused     the policy says no, whoever says yes              order.question_refused
│   ├── IdReused            a client order id with another body               order.id_reused
│   ├── ChangePending       a change is on its way                            order.change_pending
│   ├── NotHeardOf          a change or cancel of what IBKR may not have      order.not_heard_of
│   ├── NotUnknown          only an unknown order can be resolved             order.not_unknown
│   ├── OrderFinished       it can no longer be changed or cancelled          order.finished
│   ├── OrderForeign        it was placed elsewhere, and is left alone        order.foreign
│   ├── AccountRequired     several accounts, none named                      account.required
│   ├── UnknownAccount      not an account of this session                    account.unknown
│   └── SnapshotNotAllowed  IBKR charges for each; none is left               snapshot.not_allowed
├── NotSupported            this door cannot do it                            capability.missing
├── JournalAway             it cannot be kept, or read: nothing was sent      journal.unavailable
├── BrokerAway              no session: nothing was sent                      broker.away
│   └── BrokerBusy          IBKR's limits leave no turn                       broker.busy
├── BrokerSilent            asked, and no answer came in time                 broker.silent
└── WorldMismatch           simulated, paper and live got mixed up            world.mismatch

`retryable` says whether the same request may succeed later without being changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import ClassVar

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.questions import Question


class BridgeError(Exception):
    """`advice` is the caller's next step; `facts` are further members of the answer."""

    code: str = "bridge.error"
    title: ClassVar[str] = "Something went wrong"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, advice: str = "", facts: Mapping[str, object] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice
        self.facts = dict(facts or {})


class InvalidRequest(BridgeError):
    code = "request.invalid"
    title = "The request is not valid"

    def __init__(self, detail: str, *, field: str, advice: str = "") -> None:
        errors = [{"field": field, "message": detail}]
        super().__init__(detail, advice=advice or f"Correct `{field}` and send it again.", facts={"errors": errors})


class Unknown(BridgeError):
    """There is no such thing."""


class UnknownContract(Unknown):
    code = "contract.unknown"
    title = "No such contract"


class UnknownOrder(Unknown):
    code = "order.unknown"
    title = "No such order"

    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id}.", advice="List the orders with GET /orders.")


class UnknownExchange(Unknown):
    code = "exchange.unknown"
    title = "No such exchange"


class AmbiguousContract(BridgeError):
    code = "contract.ambiguous"
    title = "Several contracts fit"

    def __init__(self, asked: str, candidates: Sequence[Contract]) -> None:
        super().__init__(
            f"{len(candidates)} contracts fit {asked}.",
            advice="Name one by conid or local_symbol, or add currency or primary_exchange.",
        )
        self.candidates = tuple(candidates)


class Refused(BridgeError):
    """Understood, and declined."""


class GuardDenied(Refused):
    title = "A guard refused the order"

    def __init__(
        self,
        guard: str,
        detail: str,
        *,
        limit: object = None,
        value: object = None,
        advice: str = "",
        retry_at: datetime | None = None,
    ) -> None:
        later = {} if retry_at is None else {"retry_at": retry_at}
        super().__init__(detail, advice=advice, facts={"guard": guard, "limit": limit, "value": value, **later})
        self.code = f"guard.{guard}"
        self.guard = guard


class BrokerRefused(Refused):
    code = "broker.refused"
    title = "IBKR refused"

    def __init__(self, ibkr_code: int | None, text: str, *, advice: str = "") -> None:
        super().__init__(
            text or "IBKR refused without a reason.",
            advice=advice or "Change the request as IBKR's text says.",
            facts={"ibkr_code": ibkr_code, "ibkr_text": text},
        )
        self.ibkr_code = ibkr_code
        self.text = text


class LineRefused(BrokerRefused):
    """For a reason that passes without a change of the request."""

    code = "broker.no_line"
    title = "IBKR delivers no data at the moment"
    retryable = True


class QuestionAsked(Refused):
    """The broker wants a yes before it takes the order, and none was given: nothing is live."""

    code = "order.question"
    title = "IBKR asks before it takes the order"

    def __init__(self, questions: Sequence[Question]) -> None:
        texts = " ".join(question.text for question in questions)
        facts = {"questions": [{"ids": list(question.ids), "text": question.text} for question in questions]}
        super().__init__(texts, advice="Answer with POST /orders/{id}/answer.", facts=facts)
        self.questions = tuple(questions)


class NotAsked(Refused):
    code = "order.not_asked"
    title = "No question is open"

    def __init__(self, order_id: str, status: str, *, parent_id: str | None = None) -> None:
        alone = "Only an order in awaiting_answer can be answered."
        super().__init__(
            f"IBKR asks nothing about order {order_id}; it is {status}.",
            advice=f"Answer its parent, {parent_id}: they go together." if parent_id else alone,
        )


class QuestionRefused(Refused):
    code = "order.question_refused"
    title = "The policy refuses this question"

    def __init__(self, question: Question) -> None:
        super().__init__(
            f"The policy refuses {', '.join(question.ids)}: {question.text}",
            advice="Change the order, or the policy file (IBKR_SERVICE_QUESTIONS_FILE).",
        )


class IdReused(Refused):
    code = "order.id_reused"
    title = "The client order id belongs to another order"

    def __init__(self, client_order_id: str, order_id: str) -> None:
        super().__init__(
            f"client_order_id {client_order_id} was used before with another body.",
            advice="Use a new client_order_id for a new order, or repeat the first body unchanged.",
            facts={"order_id": order_id},
        )


class NotHeardOf(Refused):
    code = "order.not_heard_of"
    title = "IBKR has not spoken of the order yet"
    retryable = True

    def __init__(self, order_id: str, status: str) -> None:
        super().__init__(
            f"Order {order_id} is {status}, and IBKR has not said yet whether it has it.",
            advice="Ask again once GET /orders/{id} shows IBKR's number of it.",
        )


class OrderFinished(Refused):
    code = "order.finished"
    title = "The order has ended"

    def __init__(self, order_id: str, status: str) -> None:
        super().__init__(
            f"Order {order_id} is {status}.",
            advice="Nothing is left to change; place a new order if you want one.",
            facts={"status": status},
        )


class ChangePending(Refused):
    code = "order.change_pending"
    title = "A change is on its way"
    retryable = True

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} has a change that IBKR has not answered yet.",
            advice="Wait for its answer on GET /orders/{id} or /ws/ib, then send the next one.",
        )


class NotUnknown(Refused):
    code = "order.not_unknown"
    title = "The order's fate is known"

    def __init__(self, order_id: str, status: str) -> None:
        super().__init__(
            f"Order {order_id} is {status}: the broker has spoken, and nobody can overrule it.",
            advice="Cancel or change the order instead.",
            facts={"status": status},
        )


class OrderForeign(Refused):
    code = "order.foreign"
    title = "The order was placed elsewhere"

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} was placed in TWS by hand, or by another program; it is shown, and left alone.",
            advice="Change or cancel it where it was placed; POST /admin/halt with `foreign` cancels every order.",
        )


class AccountRequired(Refused):
    code = "account.required"
    title = "Which account?"

    def __init__(self, accounts: Sequence[str]) -> None:
        super().__init__(
            f"This session has {len(accounts)} accounts and none was named.",
            advice="Name one with `account`, or set IB_ACCOUNT.",
            facts={"accounts": list(accounts)},
        )


class UnknownAccount(Refused):
    code = "account.unknown"
    title = "No such account"

    def __init__(self, account: str) -> None:
        super().__init__(f"{account} is not an account of this session.", advice="GET /health lists the accounts.")


class SnapshotNotAllowed(Refused):
    code = "snapshot.not_allowed"
    title = "No regulatory snapshot is allowed"

    def __init__(self, most: int) -> None:
        told = f"The {most} of this day (UTC) are used." if most else "None is allowed."
        super().__init__(
            f"IBKR charges for each regulatory snapshot. {told}",
            advice="Ask /iserver/marketdata/snapshot, or raise IBKR_SERVICE_REGULATORY_SNAPSHOTS_PER_DAY.",
        )


class NotSupported(BridgeError):
    code = "capability.missing"
    title = "This door cannot do that"


class JournalAway(BridgeError):
    code = "journal.unavailable"
    title = "The journal is not available"
    retryable = True

    def __init__(
        self,
        detail: str = "The order's intent cannot be kept, so it was not sent.",
        *,
        advice: str = "See the service's log and its disk. Cancels work meanwhile.",
    ) -> None:
        super().__init__(detail, advice=advice)


class BrokerAway(BridgeError):
    code = "broker.away"
    title = "No session with IBKR"
    retryable = True

    def __init__(
        self, detail: str, *, advice: str = "Nothing was sent. Try again when GET /readyz answers 200."
    ) -> None:
        super().__init__(detail, advice=advice)


class BrokerBusy(BrokerAway):
    """`seconds` until a turn is free, as far as that is known."""

    code = "broker.busy"
    title = "IBKR's limits leave no turn"

    def __init__(
        self, detail: str, *, seconds: float | None = None, advice: str = "Nothing was sent. Try again later."
    ) -> None:
        super().__init__(detail, advice=advice)
        if seconds is not None:
            self.facts["retry_after"] = ceil(seconds)


class BrokerSilent(BridgeError):
    code = "broker.silent"
    title = "IBKR did not answer in time"
    retryable = True

    def __init__(self, asked: str, seconds: float) -> None:
        super().__init__(
            f"IBKR did not answer {asked} within {seconds:g} s.", advice="Try again; GET /health shows the session."
        )


class WorldMismatch(BridgeError):
    """The far end is not the world this service was set up for; nothing may be traded."""

    code = "world.mismatch"
    title = "The broker's accounts belong to another world"
