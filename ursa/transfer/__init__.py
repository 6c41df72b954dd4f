"""Moving bytes: plan first, then run; nothing is under its final name before it is verified."""

from ursa.transfer.download import carry_out, download
from ursa.transfer.memory import RawBytes, RecordingData, fetch
from ursa.transfer.plan import Copy, DownloadPlan, Layout, Source, plan
from ursa.transfer.upload import Upload, plan_upload, upload
from ursa.transfer.verify import VerifyReport, verify

__all__ = [
    "Copy",
    "DownloadPlan",
    "Layout",
    "RawBytes",
    "RecordingData",
    "Source",
    "Upload",
    "VerifyReport",
    "carry_out",
    "download",
    "fetch",
    "plan",
    "plan_upload",
    "upload",
    "verify",
]
