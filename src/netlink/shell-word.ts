/** A word of a command line as a POSIX shell reads it: quoted where a character could mean something to the shell. */
export const shellWord = (word: string | number): string =>
  /^[\w@%+=:,./-]+$/.test(String(word)) ? String(word) : `'${String(word).replaceAll("'", `'\\''`)}'`
