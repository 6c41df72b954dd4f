"""Data in memory in the forms of other packages: MNE, xarray, pandas and NWB.

Each takes a `Data` of `ursa.DataInterface.materialize` with the name of one of its modalities, or
one of its series alone; `to_nwb` takes a whole `Data`.
"""

from ursa.peers.frames import to_pandas, to_xarray
from ursa.peers.nwb import to_nwb
from ursa.peers.raw import to_mne

__all__ = ["to_mne", "to_nwb", "to_pandas", "to_xarray"]
