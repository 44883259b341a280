import { optionsOf } from './arguments.js'
import type { Command, Group, Operand, Option } from './command.js'

const TITLES: Readonly<Record<Group, string>> = {
  containers: 'containers of PortMappingIsolator',
  netlink: 'what the kernel has',
  other: 'other',
}

const GROUPS = Object.keys(TITLES) as Group[]

/** `rtnetlink --help` */
export const generalHelp = (commands: readonly Command[]): string =>
  [
    'usage: rtnetlink <command> [options]',
    ...GROUPS.flatMap(group => {
      const members = commands.filter(command => command.group === group)
      return members.length === 0
        ? []
        : ['', `${TITLES[group]}:`, ...pairs(members.map(({ name, about }) => [name, about]))]
    }),
    '',
    'options:',
    ...pairs([
      ['-h, --help', 'show this help; behind a command, the help of the command'],
      ['-V, --version', 'show the version'],
    ]),
    '',
    'example:',
    '  rtnetlink links --netns web --json',
    '',
    'exit codes: 0 fine, 1 faults found or no such container, 2 wrong usage, 3 a privilege is missing, 4 other failure',
    '',
  ].join('\n')

/** `rtnetlink <command> --help` */
export function commandHelp(command: Command): string {
  const { name, about, operands = [], notes, examples } = command
  return [
    `rtnetlink ${name}: ${about}`,
    '',
    `usage: ${['rtnetlink', name, ...operands.map(operandWord), '[options]'].join(' ')}`,
    '',
    'options:',
    ...pairs(Object.entries(optionsOf(command)).map(([option, declared]) => optionLine(option, declared))),
    ...(notes === undefined ? [] : ['', notes]),
    '',
    examples.length === 1 ? 'example:' : 'examples:',
    ...pairs(examples.map(({ line, about }) => [`rtnetlink ${line}`, about])),
    '',
  ].join('\n')
}

export const operandWord = ({ name, optional }: Operand): string => (optional ? `[${name}]` : name)

function optionLine(name: string, { short, value, choices, about }: Option): [string, string] {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`
  return [
    short === undefined ? `    ${long}` : `-${short}, ${long}`,
    choices === undefined ? about : `${about}: ${choices.join(', ')}`,
  ]
}

/** Two columns. */
function pairs(lines: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...lines.map(([first]) => first.length))
  return lines.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)
}
