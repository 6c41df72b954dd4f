"""Every exception of Ursa; each one also inherits the fitting built-in.

::

    UrsaError
    ├── InvalidArgument (ValueError)            a value that breaks a stated rule
    ├── UnknownKeyword (TypeError)              a keyword nobody knows; names the nearest
    ├── SiteError (RuntimeError)
    │   ├── SiteNotFound (FileNotFoundError)    nothing at that path yet
    │   ├── NotASite (ValueError)               something else or a damaged site is at that path
    │   ├── SiteTooNew                          written by a newer format version
    │   ├── ProfileNotConfigured
    │   └── SettingsError (ValueError)          a settings file breaks a rule
    │       └── SettingsNotTrusted (PermissionError)  a project's file the user has not agreed to
    ├── CredentialError (PermissionError)
    │   ├── CredentialNotFound (LookupError)    nothing names a role's credentials
    │   └── CredentialUnavailable               1Password or the keyring did not give them
    ├── WritesNotEnabled (PermissionError)
    ├── CatalogError (RuntimeError)
    │   ├── CatalogRowExists (ValueError)       a different row has this key; carries `diff`
    │   │   └── CatalogPKConflict               two different rows with one key in one call
    │   ├── CatalogBusy                         a row kept changing under an update
    │   ├── CatalogTooOld                       written by an older version; `ursa catalog migrate`
    │   ├── CatalogVersionNotFound (LookupError)  a state that was cleaned up, or never was
    │   ├── CatalogKeyCollision                 two keys have one hash; names both
    │   └── CatalogSchemaError (ValueError)     a row that the table cannot hold
    ├── ManifestError (ValueError)
    │   ├── ManifestUnreadable                  not there, not JSON, or not of the right shape
    │   ├── ManifestNotAugmented                lacks recording_hash or files
    │   ├── ManifestHashMismatch                recording_hash does not follow from the files
    │   ├── UnsafePath                          a path that could leave its root
    │   ├── DuplicatePath
    │   └── EmptySession
    ├── SessionError (RuntimeError)
    │   ├── SessionLocked                       session.lock is present
    │   ├── SourceMissing (FileNotFoundError)
    │   ├── SourceUnreadable (PermissionError)
    │   └── SourceChanged (ValueError)          bytes differ from the manifest
    ├── UploadInterrupted (RuntimeError)
    ├── ObjectStoreError (OSError)
    │   ├── UnknownAddress (LookupError)        no opened store holds this URI
    │   ├── ObjectNotFound (FileNotFoundError)
    │   ├── ObjectExists (FileExistsError)      other bytes are stored under this key
    │   ├── ObjectAccessDenied (PermissionError)
    │   ├── StoreFull                           no space left where an object is being stored
    │   ├── StoreUnavailable (ConnectionError)  no answer, or none that helps, after all tries
    │   └── IntegrityError (ValueError)         stored bytes differ from their SHA-256
    │       └── ObjectChanged                   the object was replaced after it was planned
    ├── DownloadError (RuntimeError)
    │   ├── NothingToDownload (FileNotFoundError)
    │   ├── SourceNotAvailable (ValueError)     e.g. processed data of a raw row
    │   ├── DestinationClash (ValueError)       two objects would share one path
    │   ├── DestinationExists (FileExistsError)
    │   ├── DestinationBusy (BlockingIOError)   another process writes that file
    │   ├── DestinationNotWritable (PermissionError)
    │   ├── DestinationFull (OSError)
    │   ├── DownloadCancelled                   somebody stopped it; it can be resumed
    │   ├── DownloadFailures (ExceptionGroup)   one error for each file that failed
    │   └── ReceiptError (ValueError)           ursa-manifest.json is missing or damaged
    ├── ProcessError (RuntimeError)
    │   ├── FileUnreadable (ValueError)         a recorded file is damaged, or nothing reads it
    │   └── LeaseLost                           another worker took over what this one was at
    ├── SamplesUnavailable (RuntimeError)       the demo's sample packages cannot be had
    ├── HandleNotPicklable (TypeError)          an opened store or catalog; open the site again
    └── PackageMissing (ImportError)            an optional package that a verb needs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UrsaError(Exception):
    """Base of every error that Ursa raises on purpose."""


class InvalidArgument(UrsaError, ValueError):
    """An argument has a value that breaks a stated rule."""


class UnknownKeyword(UrsaError, TypeError):
    """A keyword that the verb does not know."""


class SiteError(UrsaError, RuntimeError):
    """A site (raw store, assets store and catalog) cannot be used."""


class SiteNotFound(SiteError, FileNotFoundError):
    """There is no site at the given path, or not all of it yet."""


class NotASite(SiteError, ValueError):
    """The directory holds something else than a site, or a damaged one."""


class SiteTooNew(SiteError):
    """The site was written by a newer format version than this one reads."""


class ProfileNotConfigured(SiteError):
    """The profile needs settings that were not found."""


class SettingsError(SiteError, ValueError):
    """A settings file or variable has an unknown key or a value that breaks a rule."""


class SettingsNotTrusted(SettingsError, PermissionError):
    """A project's settings file counts only after the user has agreed to it."""


class CredentialError(UrsaError, PermissionError):
    """A role's credentials cannot be had."""


class CredentialNotFound(CredentialError, LookupError):
    """No settings, variable or keyring entry names a role's credentials."""


class CredentialUnavailable(CredentialError):
    """What keeps a role's credentials did not give them."""


class WritesNotEnabled(UrsaError, PermissionError):
    """The interface is read-only until `enable_writes` is called."""


class CatalogError(UrsaError, RuntimeError):
    """The catalog refused an operation."""


class CatalogRowExists(CatalogError, ValueError):
    """A different row is already stored under this primary key.

    Attributes
    ----------
    table : str
    primary_key : tuple of (str, object)
        Field names and values of the key.
    diff : dict of str to (object, object)
        Field -> (stored, offered), only the fields that differ.
    """

    def __init__(
        self,
        table: str,
        primary_key: tuple[tuple[str, Any], ...],
        diff: Mapping[str, tuple[Any, Any]],
        hint: str = "",
    ) -> None:
        self.table, self.primary_key, self.diff, self.hint = table, primary_key, dict(diff), hint
        key = ", ".join(f"{name}={value!r}" for name, value in primary_key)
        fields = "; ".join(
            f"{name}: stored {old!r}, offered {new!r}" for name, (old, new) in self.diff.items()
        )
        super().__init__(
            f"{table} already has a different row for {key} ({fields}). {hint}".strip()
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.table, self.primary_key, self.diff, self.hint)


class CatalogPKConflict(CatalogRowExists):
    """Two different rows with one primary key were offered together."""


class CatalogBusy(CatalogError):
    """A row kept changing under an update; the update was not made."""


class CatalogTooOld(CatalogError):
    """The catalog was written by an older version; `ursa catalog migrate` brings it up to date."""


class CatalogVersionNotFound(CatalogError, LookupError):
    """The catalog has no such version: it was cleaned up, or never was."""


class CatalogKeyCollision(CatalogError):
    """Two different primary keys have the same 63-bit hash, of which a table holds each once.

    Attributes
    ----------
    table : str
    stored, offered : tuple of (str, object)
        Field names and values of the two keys.
    """

    def __init__(
        self, table: str, stored: tuple[tuple[str, Any], ...], offered: tuple[tuple[str, Any], ...]
    ) -> None:
        self.table, self.stored, self.offered = table, stored, offered
        super().__init__(
            f"{table}: the keys {dict(stored)} and {dict(offered)} have one 63-bit hash, which "
            "holds one row; this is chance, not damage: use another key for the second"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.table, self.stored, self.offered)


class CatalogSchemaError(CatalogError, ValueError):
    """The row cannot be stored in its table."""


class ManifestError(UrsaError, ValueError):
    """A session manifest breaks a rule."""


class ManifestUnreadable(ManifestError):
    """The manifest is missing, is not JSON, or has the wrong shape."""


class ManifestNotAugmented(ManifestError):
    """The manifest lacks `recording_hash` or `files`."""


class ManifestHashMismatch(ManifestError):
    """`recording_hash` does not follow from the files listed."""


class UnsafePath(ManifestError):
    """A relative path that could leave its root directory."""


class DuplicatePath(ManifestError):
    """Two paths that are one file on some file system."""


class EmptySession(ManifestError):
    """The session holds no data file."""


class SessionError(UrsaError, RuntimeError):
    """A session directory cannot be ingested as it is."""


class SessionLocked(SessionError):
    """A rig is still writing this session."""


class SourceMissing(SessionError, FileNotFoundError):
    """A file of the manifest is not in the session directory."""


class SourceUnreadable(SessionError, PermissionError):
    """A file of the session may not be read."""


class SourceChanged(SessionError, ValueError):
    """A file's bytes differ from what the manifest says."""


class UploadInterrupted(UrsaError, RuntimeError):
    """An upload stopped because `is_active` said so; nothing of the file is stored."""


class ObjectStoreError(UrsaError, OSError):
    """An object store refused an operation."""


class UnknownAddress(ObjectStoreError, LookupError):
    """No opened store holds this URI."""


class ObjectNotFound(ObjectStoreError, FileNotFoundError):
    """There is no object under this key."""


class ObjectExists(ObjectStoreError, FileExistsError):
    """Other bytes are already stored under this key."""


class ObjectAccessDenied(ObjectStoreError, PermissionError):
    """The credentials, file permissions or the file system do not allow this."""


class StoreFull(ObjectStoreError):
    """The store has too little free space; the object is not stored."""


class IntegrityError(ObjectStoreError, ValueError):
    """Stored bytes differ from their recorded size or SHA-256."""


class ObjectChanged(IntegrityError):
    """The object was replaced after the download was planned."""


class StoreUnavailable(ObjectStoreError, ConnectionError):
    """The store did not answer, or not usefully, however often it was asked.

    Attributes
    ----------
    retry_after : float or None
        Seconds after which the store asked to be tried again.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DownloadError(UrsaError, RuntimeError):
    """A download was refused or could not be finished."""


class NothingToDownload(DownloadError, FileNotFoundError):
    """The target has no stored object."""


class SourceNotAvailable(DownloadError, ValueError):
    """The modality has no data of the requested kind."""


class DestinationClash(DownloadError, ValueError):
    """Two objects would be written to one path."""


class DestinationExists(DownloadError, FileExistsError):
    """Files are already where the download would write."""


class DestinationBusy(DownloadError, BlockingIOError):
    """Another process is writing this file."""


class DestinationNotWritable(DownloadError, PermissionError):
    """The destination cannot be written to."""


class DestinationFull(DownloadError, OSError):
    """The destination has too little free space."""


class DownloadCancelled(DownloadError):
    """The download was stopped before its end; what came so far can be resumed."""


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file that could not be delivered.

    Attributes
    ----------
    key : str
    rel_path : str
        Where it would have gone, below the destination.
    error : Exception
    """

    key: str
    rel_path: str
    error: Exception


class DownloadFailures(DownloadError, ExceptionGroup[Exception]):
    """Some files failed while the others were delivered.

    Attributes
    ----------
    failures : tuple of FileFailure
        Key, path and error of each.
    files : int
        All files of the download.
    """

    failures: tuple[FileFailure, ...]
    files: int

    def __new__(cls, failures: Sequence[FileFailure], files: int) -> Self:  # noqa: D102
        text = f"{len(failures)} of {files} files failed; the others were delivered"
        errors = [failure.error for failure in failures]
        made = ExceptionGroup.__new__(cls, text, errors)  # RuntimeError's own would refuse
        made.failures, made.files = tuple(failures), files
        return made

    def __init__(self, failures: Sequence[FileFailure], files: int) -> None:
        """Take what `__new__` has used."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.failures, self.files)


class ReceiptError(DownloadError, ValueError):
    """`ursa-manifest.json` is missing, damaged or unsafe."""


class ProcessError(UrsaError, RuntimeError):
    """Recorded data could not be processed."""


class FileUnreadable(ProcessError, ValueError):
    """A recorded file is damaged, lies about itself, or is of a kind that no reader knows."""


class LeaseLost(ProcessError):
    """Another worker took over what this one was processing; it stored nothing."""


class SamplesUnavailable(UrsaError, RuntimeError):
    """The sample packages of the demo cannot be fetched."""


class HandleNotPicklable(UrsaError, TypeError):
    """An opened handle may hold credentials, so it is reopened and never pickled."""


class PackageMissing(UrsaError, ImportError):
    """An optional package is not installed."""
