"""Filters in each reader's SQL, and how many rows of a column they should find.

A filter is {column, type, op, value}; `op` is a comparison, or `null` or `not null` without a value.
"""

import decimal
import math
import operator
from datetime import date, datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc

from canonical import micros

COMPUTE = {'=': 'equal', '<': 'less', '<=': 'less_equal', '>': 'greater', '>=': 'greater_equal'}
OPERATORS = {'=': operator.eq, '<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge}


def predicate(filter_: dict, dialect: str) -> str:
    column = quoted_name(filter_['column'], dialect)
    if filter_['op'] == 'null':
        return f'{column} IS NULL'
    if filter_['op'] == 'not null':
        return f'{column} IS NOT NULL'
    return f"{column} {filter_['op']} {constant(filter_['type'], filter_['value'], dialect)}"


def quoted_name(name: str, dialect: str) -> str:
    return '`' + name.replace('`', '``') + '`' if dialect == 'spark' else '"' + name.replace('"', '""') + '"'


def constant(kind: str, value: str, dialect: str) -> str:
    if dialect == 'spark':
        text = "'" + value.replace('\\', '\\\\').replace("'", "\\'") + "'"
    else:
        text = "'" + value.replace("'", "''") + "'"
    if kind == 'string':
        return text
    if kind == 'timestamp' and dialect == 'datafusion':
        # As a number: its parser of timestamps knows only what 64 bits of nanoseconds can hold.
        return f"arrow_cast({literal(kind, value)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
    name = {'timestamp': 'TIMESTAMPTZ' if dialect == 'duckdb' else 'TIMESTAMP'}.get(kind, kind.upper())
    return f'CAST({text} AS {name})'


def expected(table: pa.Table, filter_: dict) -> int:
    """Counted value by value over all rows, so that no statistics can hide one."""
    column = table.column(filter_['column'])
    if filter_['op'] == 'null':
        return column.null_count
    if filter_['op'] == 'not null':
        return len(column) - column.null_count
    if pa.types.is_int64(column.type):
        # Hundreds of thousands of them are not taken one by one.
        look = getattr(pc, COMPUTE[filter_['op']])
        return pc.sum(look(column, pa.scalar(int(filter_['value']), pa.int64()))).as_py() or 0
    wanted = comparable(literal(filter_['type'], filter_['value']))
    compare = OPERATORS[filter_['op']]
    return sum(1 for value in column if value.is_valid and compare(comparable(plain(value)), wanted))


def literal(kind: str, value: str):
    if kind == 'string':
        return value.encode()
    if kind == 'boolean':
        return value == 'true'
    if kind in ('double', 'float'):
        return float(value)
    if kind == 'date':
        return (date.fromisoformat(value) - date(1970, 1, 1)).days
    if kind == 'timestamp':
        elapsed = datetime.fromisoformat(value) - datetime(1970, 1, 1, tzinfo=timezone.utc)
        return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds
    return decimal.Decimal(value)


def plain(value: pa.Scalar):
    kind = value.type
    if pa.types.is_timestamp(kind):
        return micros(value)
    if pa.types.is_date32(kind):
        return value.value
    python = value.as_py()
    if isinstance(python, str):
        return python.encode()
    if isinstance(python, int) and not isinstance(python, bool):
        return decimal.Decimal(python)
    return python


def comparable(value):
    """SQL's order of floats: NaN equals itself and is the greatest, and the zeros are equal."""
    if not isinstance(value, float):
        return value
    return (1, 0.0) if math.isnan(value) else (0, value)
