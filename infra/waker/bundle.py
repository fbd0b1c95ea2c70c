"""Builds the function's zip: the waker and its configuration; boto3 is in Lambda's runtime.

The same sources and configuration give the same bytes, because the zip's hash decides whether Terraform
updates the function.
"""

import os
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

from infra.waker.config import WakerConfig

HANDLER = "infra.waker.handler.handle"
_MODULES = ("__init__.py", "cloud.py", "config.py", "handler.py", "policy.py")
_TIME = (1980, 1, 1, 0, 0, 0)


def waker_bundle(config: WakerConfig, cache: Path) -> Path:
    """The function's zip in `cache`, named by its content."""
    folder = Path(__file__).parent
    files = {f"infra/waker/{name}": (folder / name).read_bytes() for name in _MODULES}
    files["infra/__init__.py"] = b""
    files["infra/waker/config.json"] = config.to_json().encode()
    digest = sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    path = cache / f"waker-{digest.hexdigest()[:16]}.zip"
    if not path.is_file():
        _write(path, files)
    return path


def _write(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".zip")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name in sorted(files):
                info = zipfile.ZipInfo(name, _TIME)
                info.external_attr = 0o644 << 16
                info.create_system = 3  # Unix, wherever it is built
                archive.writestr(info, files[name], zipfile.ZIP_DEFLATED, 6)
        os.replace(temporary, path)  # two at once build the same bytes
    finally:
        Path(temporary).unlink(missing_ok=True)
