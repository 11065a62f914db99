"""Appends rows to a Delta table with delta-rs until its standard input closes; compacts and vacuums the table now and then.

usage: race_writer.py TABLE FIRST_ID STORAGE_OPTIONS; prints whether it compacts, then the ids that were committed, one JSON line a commit.

deltalake 1.6.6 (not 1.6.3 and before) commits a compaction over another one that took the same files away, so that their
rows are there twice, whoever made the other. Such a release only appends here.
"""

import json
import sys
import tempfile
import threading

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError


def sees_other_compactions():
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2):
            write_deltalake(folder, pa.table({"id": [number]}), mode="append")
        first, second = DeltaTable(folder), DeltaTable(folder)
        first.optimize.compact()
        try:
            second.optimize.compact()
        except CommitFailedError:
            return True
        return False


table, next_id, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()

compacts = sees_other_compactions()
print(json.dumps(compacts), flush=True)
commits = 0
while not stopped.is_set():
    ids = [next_id, next_id + 1]
    next_id += 2
    rows = pa.table({"id": pa.array(ids, pa.int64()), "name": pa.array(["delta-rs"] * 2, pa.string())})
    try:
        write_deltalake(table, rows, mode="append", storage_options=options)
    except CommitFailedError:
        continue
    except DeltaError as error:
        # Azurite turns a second put away before the first one can be read, which delta-rs then looks for in vain.
        if "Invalid table version" not in str(error):
            raise
        continue
    print(json.dumps(ids), flush=True)
    commits += 1
    if compacts and commits % 5 == 0:
        try:
            DeltaTable(table, storage_options=options).optimize.compact()
        except CommitFailedError:
            pass  # Another writer removed what was to be compacted.
    if commits % 7 == 0:
        # The usual retention: files that we have in their place and not yet in the log are young, and stay.
        DeltaTable(table, storage_options=options).vacuum(retention_hours=168, dry_run=False)
    stopped.wait(0.2)
print(json.dumps("end"), flush=True)
