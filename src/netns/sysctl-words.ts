/** The value of a sysctl as the kernel compares it: its words with one space between them. The kernel itself writes tabs. */
export const sysctlWords = (text: string): string => text.trim().replaceAll(/\s+/g, ' ')
