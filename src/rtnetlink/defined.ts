type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The members that have a value, so that what is absent in the kernel's answer is absent in the object. */
export function defined<T extends object>(members: T): Defined<T> {
  const result: Partial<T> = {}
  for (const name in members) if (members[name] !== undefined) result[name] = members[name]
  return result as unknown as Defined<T>
}
