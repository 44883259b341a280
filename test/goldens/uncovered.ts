/** Attributes that are declared and that no golden has, each with the reason. */
export const uncovered: Readonly<Record<string, string>> = {}
