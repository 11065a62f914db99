"""Tables of Spark as they were made once, beside this file: Spark takes minutes to make what never changes.

`python archive.py pack FOLDER` keeps those that `fixtures.py` made in FOLDER, `python archive.py unpack FOLDER` puts them there; it
answers with exit code 3 where `fixtures.py`, or the versions of what makes them, are others than those of the archive.

Not in it: tables whose log says where they lie (`stays`), and those of delta-rs, which takes no time.
"""

import hashlib
import io
import os
import re
import shutil
import sys
import tarfile
import time

from fixtures import FIXTURES, SPARKS

HERE = os.path.dirname(os.path.abspath(__file__))
ARCHIVE = os.path.join(HERE, 'foreign.tar.xz')
SOURCE = '.source'


def source() -> str:
    """What the tables depend on: how they are made, how rows become texts, and by which versions."""
    digest = hashlib.sha256()
    for name in ('fixtures.py', 'canonical.py'):
        with open(os.path.join(HERE, name), 'rb') as file:
            digest.update(file.read().replace(b'\r\n', b'\n'))
    with open(os.path.join(HERE, 'setup'), encoding='utf-8') as file:
        digest.update(' '.join(re.findall(r'pyspark==[\w.]+|io\.delta:[\w.:-]+', file.read())).encode())
    return digest.hexdigest()


def packed() -> list[str]:
    return [f'{writer}/{name}' for writer in SPARKS for name, facts in FIXTURES[writer].items() if not facts.get('stays')]


def pack(folder: str) -> None:
    for place, _, files in os.walk(folder):
        for name in files:
            kept = any(os.path.relpath(place, folder).startswith(fixture) for fixture in packed())
            if kept and name.endswith('.json') and folder.encode() in open(os.path.join(place, name), 'rb').read():
                raise ValueError(f'{place}/{name} names the folder that the table is in: its fixture has to say stays=True')
    with tarfile.open(ARCHIVE, 'w:xz', preset=9) as archive:
        facts = tarfile.TarInfo(SOURCE)
        facts.size = len(source())
        archive.addfile(facts, io.BytesIO(source().encode()))
        for fixture in packed():
            archive.add(os.path.join(folder, fixture), fixture, filter=nobody)


def nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ''
    return entry


def unpack(folder: str) -> int:
    """Whole or not at all. Times are as long ago as they were when the tables had been made: old logs are cleaned up."""
    os.makedirs(folder, exist_ok=True)
    draft = os.path.join(folder, f'draft-{os.getpid()}')
    with tarfile.open(ARCHIVE) as archive:
        entries = archive.getmembers()
        if archive.extractfile(SOURCE).read().decode() != source():
            return 3
        later = time.time() - max(entry.mtime for entry in entries)
        for entry in entries:
            entry.mtime += later
        archive.extractall(draft, entries, filter='tar')
    for fixture in packed():
        final = os.path.join(folder, fixture)
        os.makedirs(os.path.dirname(final), exist_ok=True)
        if not os.path.exists(os.path.join(final, 'expected.json')):
            shutil.rmtree(final, ignore_errors=True)
            os.rename(os.path.join(draft, fixture), final)
    shutil.rmtree(draft)
    return 0


if __name__ == '__main__':
    command, folder = sys.argv[1:]
    sys.exit({'pack': pack, 'unpack': unpack}[command](os.path.abspath(folder)))
