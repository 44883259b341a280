import { inline, outline, type AnyDeclaration, type Declaration, type InputOf } from './declaration.js'
import { isList, type Fault } from './fault.js'
import { namesOf } from './objects.js'
import { absent } from './scalars.js'

/**
 * An object whose other members depend on `member`: `choice('kind', { u32: u32Filter, bpf: bpfFilter }, rawFilter)`. A
 * value of `member` that has no form of its own takes `otherwise`.
 */
export function choice<F extends Readonly<Record<string, AnyDeclaration>>, O = never>(
  member: string,
  forms: F,
  otherwise?: Declaration<O>,
): Declaration<InputOf<F[keyof F]> | O> {
  const byName = new Map<unknown, AnyDeclaration>(Object.entries(forms))
  const names = Object.keys(forms).map(name => `'${name}'`)
  const words = `an object whose ${member} is one of ${names.join(', ')}`
  const chosen = (value: object): AnyDeclaration | undefined =>
    byName.get((value as Record<string, unknown>)[member]) ?? otherwise
  const formNames = [...names.map(name => `${member} ${name}`), ...(otherwise ? [`another ${member}`] : [])]
  return outline(
    {
      words,
      forms: [...Object.values(forms), ...(otherwise ? [otherwise] : [])],
      formNames,
      faultIn(value) {
        if (typeof value !== 'object' || value === null || isList(value))
          return { problem: 'type', path: '', value, expected: words }
        const form = chosen(value)
        const given = (value as Record<string, unknown>)[member]
        if (form) return form.faultIn(value)
        const expected = `one of ${names.join(', ')}`
        return { problem: given === undefined ? 'missing' : 'type', path: member, value: given, expected }
      },
    },
    constants => {
      const cases = Object.entries(forms).map(
        ([name, form]) => `case ${JSON.stringify(name)}: return ${form.expression('value', constants)}`,
      )
      return `
        if (typeof value !== 'object' || value === null) return false
        switch (value[${JSON.stringify(member)}]) { ${cases.join('\n')} }
        return ${otherwise ? otherwise.expression('value', constants) : 'false'}`
    },
  )
}

/**
 * An object that has one form where `member` is given, and another where it is not: a u32 table has a `divisor`, a node
 * has none. What belongs to the other form is refused by name.
 */
export function presence<W, O>(
  member: string,
  given: Declaration<W>,
  without: Declaration<O>,
): Declaration<W | O> {
  const words = without.words
  return outline(
    {
      words,
      forms: [given, without],
      formNames: [`'${member}'`, `no '${member}'`],
      faultIn(value) {
        if (typeof value !== 'object' || value === null) return without.faultIn(value)
        const has = (value as Record<string, unknown>)[member] !== undefined
        const fault = (has ? given : without).faultIn(value)
        const isForeign = fault?.problem === 'unknown' || fault?.expected === absent.optional.words
        if (!isForeign || !namesOf(has ? without : given).has(fault.path)) return fault
        const expected = has ? `does not go with '${member}'` : `goes with '${member}' only`
        return { ...fault, problem: 'misplaced', expected }
      },
    },
    constants => `
      if (typeof value !== 'object' || value === null) return false
      return value[${JSON.stringify(member)}] !== undefined
        ? ${given.expression('value', constants)}
        : ${without.expression('value', constants)}`,
  )
}

/** A value of any of these. An object is explained by the one that takes objects. */
export function either<const D extends readonly AnyDeclaration[]>(
  ...forms: D
): Declaration<InputOf<D[number]>> {
  const words = forms.map(form => form.words).join(', or ')
  return inline(
    {
      words,
      forms,
      faultIn(value): Fault | undefined {
        const faults: Fault[] = []
        for (const form of forms) {
          const fault = form.faultIn(value)
          if (!fault) return undefined
          faults.push(fault)
        }
        // A fault inside of the value, or a number that is out of range, says more than that it is none of the forms.
        const closer = faults.filter(({ problem, path }) => path !== '' || problem === 'range')
        return closer.length === 1 ? closer[0] : { problem: 'type', path: '', value, expected: words }
      },
    },
    (value, constants) => `(${forms.map(form => `(${form.expression(value, constants)})`).join(' || ')})`,
  )
}
