import { printed } from './printed.ts'

/**
 * The library's script for bash needs another package, and has the shell expand what it is given: a file that is named like a command would be
 * run. This one takes words as they are.
 */
const BASH = `_ingest() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line directive=0
  [[ $cur == '=' ]] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :[0-9]* ]]; then
      directive=\${line#:}
    elif [[ \${line%%$'\\t'*} == "$cur"* ]]; then
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <(ingest complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ $directive == 0 ]]; then compopt -o default; fi
}
complete -F _ingest ingest
`

/** The script that a shell reads at its start. */
export async function scriptOf(shell: 'bash' | 'zsh' | 'fish'): Promise<string> {
  if (shell === 'bash') return BASH
  const { default: tab } = await import('@bomb.sh/tab')
  return printed(() => tab.setup('ingest', 'ingest', shell))
}
