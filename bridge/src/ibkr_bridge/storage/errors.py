"""What can go wrong with the journal.

JournalError
├── JournalUnavailable      nothing of the batch was kept; also an OSError    journal.unavailable
│   ├── JournalFull         no room on the disk                               journal.full
│   ├── JournalReadOnly     the file or its folder may not be written         journal.read_only
│   ├── JournalLocked       another process holds it                          journal.locked
│   ├── JournalUnreachable  PostgreSQL does not answer                        journal.unreachable
│   └── JournalCorrupted    the file is damaged                               journal.corrupted
├── JournalNewer            written by a newer program                        journal.newer
├── JournalOlder            read-only, and not yet upgraded                   journal.older
├── JournalMissing          read-only, and there is none                      journal.missing
├── WrongKey                the audit key is not the journal's                journal.wrong_key
├── JournalShortened        the journal ends before its high-water mark       journal.shortened
└── ExportRefused           the export cannot be made                         journal.export
"""

from __future__ import annotations

from typing import ClassVar


class JournalError(Exception):
    """`detail` says what is wrong and `advice` the operator's next step; no secret is in either."""

    code: ClassVar[str] = "journal.error"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str, *, advice: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice


class JournalUnavailable(JournalError, OSError):
    """What was to be kept was not kept, none of it; the next attempt may succeed."""

    code = "journal.unavailable"
    retryable = True


class JournalFull(JournalUnavailable):
    code = "journal.full"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, advice="Make room on the journal's disk; the next order is kept again.")


class JournalReadOnly(JournalUnavailable):
    code = "journal.read_only"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, advice="Give this user the right to write the journal's file and its folder.")


class JournalLocked(JournalUnavailable):
    """`pid` is the holder's process id where the database tells it, else None."""

    code = "journal.locked"

    def __init__(self, detail: str, *, pid: int | None = None) -> None:
        super().__init__(detail, advice="Stop the other service, or give this one a journal of its own.")
        self.pid = pid


class JournalUnreachable(JournalUnavailable):
    code = "journal.unreachable"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, advice="Start PostgreSQL, and check the host, user and database in the journal's URL.")


class JournalCorrupted(JournalUnavailable):
    code = "journal.corrupted"
    retryable = False

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail, advice="Stop the service, keep the damaged file, and put the latest backup in its place."
        )


class JournalNewer(JournalError):
    code = "journal.newer"

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The journal has schema {found}, which this program does not know: a newer one wrote it.",
            advice="Install the newer program, or restore the backup that was made before its upgrade.",
        )
        self.found = found


class JournalOlder(JournalError):
    code = "journal.older"

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(
            f"The journal has schema {found}; this program reads {wanted}.",
            advice="Run `ibkr-bridge journal upgrade`, or start the service, which does the same.",
        )


class JournalMissing(JournalError):
    code = "journal.missing"

    def __init__(self, place: str) -> None:
        super().__init__(f"There is no journal at {place}.", advice="Check IBKR_SERVICE_JOURNAL_URL.")


class WrongKey(JournalError):
    code = "journal.wrong_key"

    def __init__(self) -> None:
        super().__init__(
            "The audit key is not the one with which this journal was begun.",
            advice="Set IBKR_SERVICE_AUDIT_KEY or IBKR_SERVICE_AUDIT_KEY_FILE to the journal's own key.",
        )


class JournalShortened(JournalError):
    """Orders are on record elsewhere that this journal has forgotten: to go on could send one twice."""

    code = "journal.shortened"

    def __init__(self, detail: str, mark: str) -> None:
        super().__init__(
            detail,
            advice=f"Restore the journal. If it is lost for good, move {mark} away and check every open order at IBKR.",
        )


class ExportRefused(JournalError):
    code = "journal.export"
