"""The topics `shs+exercise` and `inp+exercise`: a form for one option position, a warning, and the exercise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.webapi.numbers import quantity
from ibkr_sim.webapi.streams.grammar import Request
from ibkr_sim.webapi.streams.topic import Listener

TOOL: Final = "exercise"
_SHOWN, _TYPED = f"shs+{TOOL}", f"inp+{TOOL}"
_SUBMIT, _CONTINUE = "submit", "continue"


@dataclass(frozen=True, slots=True)
class _Form:
    """What lies before the user; `wanted` once it was filled in and only waits to be confirmed."""

    contract: Contract
    wanted: Decimal | None = None


class Exercise:
    """Every form is answered once (Web API: "Option Exercise")."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._forms: dict[int, _Form] = {}
        self._count = self._messages = 0

    def show(self, request: Request) -> None:
        """A form for `CEX`, the conid of an option that the selected account holds."""
        conid = str(request.arguments.get("CEX", ""))
        market = self._listener.house.market
        contract = market.contract(int(conid)) if conid.isdecimal() and len(conid) < 12 else None
        held = market.position(self._account, contract.conid) if contract is not None else None
        if request.target != TOOL or contract is None or not contract.is_option or held is None or held.quantity <= 0:
            self._listener.refuse("+".join((request.topic, *request.targets)))
            return
        self._listener.tell({"topic": _SHOWN})
        form = {
            "user_action": [{"id": _SUBMIT, "text": "Submit"}, {"id": "cancel", "text": "Cancel"}],
            "id": self._laid(_Form(contract)),
            "position": int(held.quantity),
            "deadline": "16:25",
        }
        self._tell(_SHOWN, "content", form)

    def enter(self, request: Request) -> None:
        """What the user did with a form or a warning."""
        data = request.arguments.get("data")
        entered: Mapping[str, Any] = data if isinstance(data, dict) else {}
        number = str(entered.get("id", ""))
        form = self._forms.pop(int(number), None) if number.isdecimal() and len(number) < 10 else None
        action, wanted = entered.get("user_action"), _wanted(entered)
        if request.target != TOOL or form is None:
            self._listener.refuse("+".join((request.topic, *request.targets)))
        elif action == _SUBMIT and form.wanted is None and wanted is not None:
            self._warn(_Form(form.contract, wanted))
        elif action == _CONTINUE and form.wanted is not None:
            self._carry_out(form.contract, form.wanted)

    def _warn(self, form: _Form) -> None:
        title = f"{quantity(form.wanted or Decimal(0))} {form.contract.local_symbol}"
        prompt = {
            "user_actions": [{"id": _CONTINUE, "text": "Continue"}, {"id": "cancel", "text": "Cancel"}],
            "id": self._laid(form),
            "text": f"SIMULATOR: an exercise of {title} is final and cannot be taken back.",
            "title": "Warning",
        }
        self._tell(_TYPED, "prompt", prompt)

    def _carry_out(self, contract: Contract, wanted: Decimal) -> None:
        try:
            self._listener.house.market.exercise(self._account, contract.conid, wanted, override=True)
        except Rejected as rejected:
            self._listener.refuse(_TYPED, rejected.text)

    @property
    def _account(self) -> str:
        house, account = self._listener.house, self._listener.session.account
        return account if account in house.market.accounts else house.market.accounts[0]

    def _laid(self, form: _Form) -> int:
        self._count += 1
        self._forms[self._count] = form
        return self._count

    def _tell(self, topic: str, action: str, data: Mapping[str, Any]) -> None:
        self._messages += 1
        self._listener.tell({"data": data, "action": action, "MID": str(self._messages), "topic": topic})


def _wanted(entered: Mapping[str, Any]) -> Decimal | None:
    """How many are to be exercised; None without a whole number above 0."""
    exercise = entered.get("exercise")
    value = exercise.get("value") if isinstance(exercise, dict) else None
    text = str(value)
    return Decimal(text) if text.isdecimal() and len(text) < 10 and int(text) > 0 else None
