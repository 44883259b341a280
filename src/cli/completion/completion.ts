import { command, type Command } from '../command.js'
import { EXIT } from '../exit-codes.js'
import { bashScript } from './bash.js'

/** The command that prints the script which completes `others`, and itself. */
export function completionOf(others: readonly Command[]): Command {
  const self = command({
    name: 'completion',
    group: 'other',
    about: 'print the script that completes command lines',
    operands: [{ name: 'shell', choices: ['bash'] }],
    options: {},
    examples: [{ line: 'completion bash > /etc/bash_completion.d/rtnetlink', about: 'for everybody' }],
    notes: 'For one shell alone: source <(rtnetlink completion bash)',
    async run({ terminal }) {
      terminal.write(bashScript([...others, self]))
      return EXIT.fine
    },
  })
  return self
}
