"""STUB."""
from dataclasses import dataclass
from pathlib import Path
@dataclass(frozen=True)
class Atlas:
    name: str
    image: Path
    names: Path | None
def find_atlas(spec,*,space,voxel_size): return Atlas(Path(spec).name.split(".")[0],Path(spec).absolute(),None)
