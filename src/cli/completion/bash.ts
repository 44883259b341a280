import { optionsOf } from '../arguments.js'
import type { Command, Operand, Option } from '../command.js'

/** Where the values come from that only the machine knows, as shell. */
const SOURCES = {
  device: '$(ls /sys/class/net 2>/dev/null)',
  netns: '$(ls /run/netns 2>/dev/null)',
  container: '$("${COMP_WORDS[0]}" list --quiet 2>/dev/null)',
} as const

/**
 * The script that completes command lines in bash. It needs nothing but bash: what there is to complete, it has in a `case`
 * of its own for each command. Ids and names are no shell: compgen -W would expand them once more, and run what is in them.
 */
export const bashScript = (commands: readonly Command[]): string => `# rtnetlink(1) completion for bash
_rtnetlink() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words= each quoted
  # The '=' of --option=value is a word of its own.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = && COMP_CWORD -gt 2 ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    words='${commands.map(({ name }) => name).join(' ')} --help --version'
  else
    case \${COMP_WORDS[1]} in
${commands.map(commandCase).join('\n')}
    esac
  fi
  COMPREPLY=()
  while IFS= read -r each; do
    [[ -n $each && $each == "$word"* ]] || continue
    printf -v quoted %q "$each"
    COMPREPLY+=("$quoted")
  done <<<"\${words// /$'\\n'}"
}
complete -F _rtnetlink rtnetlink
`

const commandCase = (command: Command): string => {
  const options = Object.entries(optionsOf(command))
  return `    ${command.name})
      case $before in
${options.flatMap(([name, option]) => valueCase(name, option)).join('')}\
        *) words="${[...(command.operands ?? []).flatMap(operandWords), ...options.map(([name]) => `--${name}`)].join(' ')}" ;;
      esac
      ;;`
}

/** What completes the value of an option: nothing, if it can be anything. */
function valueCase(name: string, { type, short, choices, completes }: Option): string[] {
  if (type === 'boolean') return []
  const patterns = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])].join(' | ')
  const words = choices?.join(' ') ?? (completes === undefined ? '' : SOURCES[completes])
  return [`        ${patterns}) words="${words}" ;;\n`]
}

const operandWords = ({ choices, completes }: Operand): readonly string[] =>
  choices ?? (completes === undefined ? [] : [SOURCES[completes]])
