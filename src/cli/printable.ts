/**
 * Text of the kernel that is safe to show: whoever names a container or writes the alias of a link could otherwise send
 * control sequences to the terminal of whoever looks.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, char => `\\u{${char.codePointAt(0)?.toString(16)}}`)
