/** A copy that lacks some members. */
export function without<T extends object, K extends PropertyKey>(value: T, ...names: K[]): Omit<T, K> {
  const copy = { ...value } as Record<PropertyKey, unknown>
  for (const name of names) delete copy[name]
  return copy as unknown as Omit<T, K>
}
