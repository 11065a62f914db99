import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { TypeNode } from '../model/type-text.ts'

/**
 * The statistics of a file as JSON text, from the struct in which some writers keep them in place of the text
 * (`delta.checkpoint.writeStatsAsJson = false`). A bound that has no certain text is left out: it then hides no row.
 */
export function statsFromStruct(value: Sql, type: TypeNode): Sql {
  if (type.kind === 'struct') {
    const parts = type.fields.map(
      (field) => sql`${literal(`${JSON.stringify(field.name)}:`)} || ${statsFromStruct(sql`${value}.${id(field.name)}`, field.type)}`,
    )
    return parts.length === 0
      ? raw('null::varchar')
      : sql`case when ${value} is not null then '{' || concat_ws(',', ${join(parts)}) || '}' end`
  }
  return type.kind === 'plain' ? plainText(value, type.text) : raw('null::varchar')
}

function plainText(value: Sql, type: string): Sql {
  switch (true) {
    case /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|BOOLEAN|DECIMAL\(.*\))$/.test(type):
      return sql`${value}::varchar`
    case type === 'FLOAT' || type === 'DOUBLE':
      return sql`case when isfinite(${value}) then ${value}::varchar end`
    case type === 'VARCHAR':
      return sql`to_json(${value})::varchar`
    case type === 'DATE':
      return sql`case when ${value} between date '0001-01-01' and date '9999-12-31' then '"' || ${value}::varchar || '"' end`
    case type === 'TIMESTAMP WITH TIME ZONE':
      return sql`case when ${value} between timestamptz '0001-01-01 00:00:00+00' and timestamptz '9999-12-31 23:59:59+00' then strftime(timezone('UTC', ${value}), '"%Y-%m-%dT%H:%M:%S.%gZ"') end`
    // A timestamp without a zone may be a moment (INT96) or a time of day and date: the file does not say which.
    default:
      return raw('null::varchar')
  }
}
