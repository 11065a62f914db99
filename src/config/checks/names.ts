/** What a name may not be, since it becomes a folder, a part of `database.table` and a name in SQL. */
export function nameProblem(name: string): { readonly problem: string; readonly fix: string } | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return { problem: 'a name cannot hold control characters', fix: 'remove them' }
  if (/[/\\]/.test(name))
    return { problem: `${JSON.stringify(name)} is no name: it holds a slash`, fix: 'write the name alone; target_path sets another folder' }
  if (name.includes('.'))
    return { problem: `${JSON.stringify(name)} is no name: it holds a dot`, fix: 'write database_name and table_name apart' }
  if (name.trim() !== name)
    return { problem: `${JSON.stringify(name)} begins or ends with a space`, fix: `write ${JSON.stringify(name.trim())}` }
  if (/[*?"<>|:[\]{}]/.test(name))
    return { problem: `${JSON.stringify(name)} holds a character that not every storage takes`, fix: 'remove * ? " < > | : [ ] { }' }
  if (name.startsWith('_delta_log') || name === '_ingestd')
    return { problem: `${JSON.stringify(name)} is a folder of Delta tables`, fix: 'choose another name' }
  return Buffer.byteLength(name) > 200 ? { problem: 'the name is longer than 200 bytes', fix: 'choose a shorter one' } : undefined
}

/** The tracker's table is named in SQL by other tools, so it is a plain identifier. */
export function identifierProblem(name: string): { readonly problem: string; readonly fix: string } | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,59}$/.test(name)) return undefined
  return { problem: `${JSON.stringify(name)} is no plain name`, fix: 'write letters, digits and underscores' }
}
