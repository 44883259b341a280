import type { Scalar } from './codec.js'

type MaybeScalar = { readonly scalar?: Scalar }

/** The source that reads the value of a codec, known as `codec`, at the expression `at`. */
export const readSource = ({ scalar }: MaybeScalar, codec: string, at: string): string =>
  scalar ? `view.${scalar.get}(${at}, ${scalar.littleEndian})` : `${codec}.read(view, ${at})`

/** The source that writes the variable `value`. What is out of range is left to the codec, which knows what to throw. */
export function writeSource({ scalar }: MaybeScalar, codec: string, at: string, value: string): string {
  const otherwise = `${codec}.write(view, ${at}, ${value})`
  if (!scalar) return otherwise
  const { set, min, max, littleEndian } = scalar
  return `if (Number.isInteger(${value}) && ${value} >= ${min} && ${value} <= ${max}) view.${set}(${at}, ${value}, ${littleEndian})
    else ${otherwise}`
}
