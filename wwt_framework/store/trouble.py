"""What database drivers raise -> a sentence that says what to do."""

from __future__ import annotations

import peewee

from wwt_framework.errors import StoreError

_AGAIN = "nothing was changed. Try again"

#: part of a driver's message -> what it means for who runs the house
_MEANINGS = {
    "disk is full": "the disk is full; nothing was changed. Make room and try again",
    "no space left": "the disk is full; nothing was changed. Make room and try again",
    "database is locked": f"another process has been writing for more than 10 seconds; {_AGAIN}",
    "lock timeout": f"another process has been writing for too long; {_AGAIN}",
    "readonly database": "it may not be written; the account that runs this program needs the right to write the file "
    "and its folder",
    "read-only transaction": "it may not be written: the server is read-only, a standby for example",
    "malformed": "the file is damaged. Stop the program, keep a copy of the file, and restore a backup",
    "not a database": "the file is not an SQLite database, or its beginning is damaged",
    "unable to open database file": "the file can not be opened; its folder must exist, and the account that runs this "
    "program needs the right to write it",
    "disk i/o error": "the disk reports an error",
    "locking protocol": "the file system can not lock as SQLite needs it; put the file on a local disk",
    "connection refused": "the server does not answer; is it running there?",
    "does not exist": "the server does not have it",
    "password authentication failed": "the server refuses user name or password",
    "too many clients": "the server has no connection left; lower max_connections in the store's address",
    "max connections exceeded": "all connections of this process are in use; raise max_connections in the store's "
    "address, or lower threads",
    "server closed the connection": "the server closed the connection; try again",
    "terminating connection": f"the server closed the connection; {_AGAIN}",
    "connection is closed": f"the connection broke; {_AGAIN}",
}


def in_words(where: str, err: BaseException) -> StoreError:
    """*err* of a driver as a sentence about the store at *where*."""
    said = " ".join(str(err).split())[:300]
    for part, meaning in _MEANINGS.items():
        if part in said.lower():
            return StoreError(f"{where}: {meaning} (said: {said})")
    return StoreError(f"{where}: {said or type(err).__name__}")


#: What is the database's trouble, and not a mistake of ours.
TROUBLE = (peewee.OperationalError, peewee.InternalError, peewee.InterfaceError, peewee.DatabaseError)
#: Mistakes of ours, or what a caller must answer: these pass as they are.
NOT_TROUBLE = (peewee.IntegrityError, peewee.ProgrammingError, peewee.DataError, peewee.NotSupportedError)
