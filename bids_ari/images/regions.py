"""STUB."""
from pathlib import Path
from typing import NamedTuple
import numpy as np
from scipy import sparse
class Regions(NamedTuple):
    members: sparse.csr_array
    atlas: tuple[str, ...]
    index: tuple[int, ...]
    name: tuple[str, ...]
    n_all: np.ndarray
_KEEP={}
def load_atlas(image, names, *, name, domain):
    v=domain.values(image).astype(int); u=np.unique(v[v!=0])
    m=sparse.csr_array(np.stack([v==k for k in u]))
    return Regions(m,(name,)*len(u),tuple(map(int,u)),tuple(f"region {k}" for k in u),np.array([int((v==k).sum()) for k in u])), False
def load_roi(image, domain): ...
def join_regions(parts):
    if not parts: return None
    return parts[0]
def save_regions(r,f):
    import pickle; f.write_bytes(pickle.dumps(r)); return f
def load_regions(f):
    import pickle; r=pickle.loads(Path(f).read_bytes())
    if r is None:
        class A:
            def __getitem__(self,k): return 0
        return Regions(sparse.csr_array((0,10**7),dtype=bool),(),(),(),np.zeros(0))
    return r
