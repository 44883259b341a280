import { shown } from '../../input/index.js'
import { IsolatorError } from '../isolator-error.js'

/** The error of an option or argument that is malformed, or does not fit the others or the host. */
export function refuse(option: string, value: unknown, expected: string, problem?: string): IsolatorError {
  return new IsolatorError(
    'ERR_INVALID_OPTION',
    `${problem ?? `${option} is ${shown(value)}`}: ${problem ? `'${option}', ` : ''}expected ${expected}`,
    {
      details: { option, value },
    },
  )
}

/**
 * Refuses options that do nothing unless the option `needs` is true: whoever set them would believe that they do.
 *
 * @throws IsolatorError ERR_INVALID_OPTION naming the first
 */
export function refuseAlone<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
  { needs }: { needs: keyof Options & string },
): void {
  if (options[needs] === true) return
  for (const name of names) {
    const value: unknown = options[name]
    if (value !== undefined) throw refuse(name, value, `${needs} beside it`)
  }
}
