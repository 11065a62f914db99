"""One text for one row, whichever reader it came from.

Values are taken from Arrow scalars and never through Python's datetime, which ends at the year 9999.
"""

import decimal
import json
import math

import pyarrow as pa


def rows_of(table: pa.Table) -> list[str]:
    """Each row as JSON with its names in order, sorted; two tables are equal exactly when these lists are."""
    names = table.column_names
    columns = [[canonical(value) for value in table.column(index)] for index in range(len(names))]
    order = sorted(range(len(names)), key=lambda index: names[index])
    return sorted(
        json.dumps({names[index]: columns[index][row] for index in order}, ensure_ascii=False) for row in range(table.num_rows)
    )


def canonical(value: pa.Scalar):
    """A value that JSON holds exactly: numbers that are not integers, dates and bytes become text."""
    if not value.is_valid:
        return None
    kind = value.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return value.as_py()
    if pa.types.is_floating(kind):
        return float_text(value.as_py())
    if pa.types.is_decimal(kind):
        return decimal_text(value.as_py())
    if pa.types.is_date32(kind):
        return date_text(value.value)
    if pa.types.is_timestamp(kind):
        return timestamp_text(micros(value))
    if is_binary(kind):
        return 'x' + value.as_py().hex()
    if pa.types.is_dictionary(kind):
        return canonical(value.value)
    if pa.types.is_struct(kind):
        return {field.name: canonical(value[index]) for index, field in enumerate(kind)}
    if pa.types.is_map(kind):
        return sorted(([canonical(entry[0]), canonical(entry[1])] for entry in value.values), key=json.dumps)
    if is_list(kind):
        return [canonical(item) for item in value.values]
    return str(value.as_py())


def is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def is_list(kind: pa.DataType) -> bool:
    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind) or pa.types.is_fixed_size_list(kind)
    )


def float_text(value: float) -> str:
    """`nan` has no sign here: which NaN a reader makes is its own business."""
    return 'nan' if math.isnan(value) else repr(value)


def decimal_text(value: decimal.Decimal) -> str:
    return format(value, 'f')


def micros(value: pa.Scalar) -> int:
    factor = {'s': 1_000_000, 'ms': 1_000, 'us': 1}.get(value.type.unit)
    return value.value * factor if factor else value.value // 1_000


def date_text(days: int) -> str:
    """Proleptic Gregorian, astronomical years: 0000 is 1 BC."""
    shifted = days + 719_468
    era, day_of_era = divmod(shifted, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return f'{year_of_era + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}'


def timestamp_text(value: int) -> str:
    days, rest = divmod(value, 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    return f'{date_text(days)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}Z'
