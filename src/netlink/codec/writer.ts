/** NLA_ALIGNTO and NLMSG_ALIGNTO, linux/netlink.h. */
const ALIGNMENT = 4
/** sizeof(struct nlattr): length and type, linux/netlink.h. */
export const NLA_HDRLEN = 4
/** The longest attribute: its length is an u16. */
const MAX_ATTRIBUTE = 0xffff

/** Up to so many bytes are faster cleared by a loop than by TypedArray.prototype.fill, which V8 does not inline. */
const WORTH_A_CALL = 512

/** NLMSG_ALIGN and NLA_ALIGN, linux/netlink.h: `length` rounded up to a multiple of 4. */
export const align = (length: number): number => length + (-length & (ALIGNMENT - 1))

/**
 * One growable buffer that a whole batch of messages is encoded into (the shape of libmnl's `mnl_nlmsg_batch`).
 * Every reserved byte is zero until it is written, so padding and unset members never carry old memory to the kernel.
 *
 * Messages and attributes begin at multiples of 4. Their headers are written here, through arrays of the host's byte
 * order: by a DataView, whose order would be a variable, a message takes a fifth longer.
 */
export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #halves: Uint16Array
  #words: Uint32Array
  #length = 0
  /** What `bytes` gave last: to make a view takes as long as to encode a small message, and many have the same length. */
  #written: Uint8Array | undefined

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(align(capacity))
    this.#view = new DataView(this.#bytes.buffer)
    this.#halves = new Uint16Array(this.#bytes.buffer)
    this.#words = new Uint32Array(this.#bytes.buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** View of the buffer. Growing replaces it, so take it after `reserve`, never before. */
  get view(): DataView {
    return this.#view
  }

  /** Appends `size` zero bytes and returns the position of the first. */
  reserve(size: number): number {
    const at = this.#length
    if (at + size > this.#bytes.length) this.#grow(at + size)
    this.#length = at + size
    return at
  }

  /** Appends `bytes`. */
  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Appends zero bytes up to the next multiple of 4. */
  pad(): void {
    const end = align(this.#length)
    if (end > this.#bytes.length) this.#grow(end)
    this.#length = end
  }

  /** Begins an attribute, padded: what is put next is its content, until `endAttribute` is given what this returned. */
  beginAttribute(): number {
    if ((this.#length & (ALIGNMENT - 1)) !== 0) this.pad()
    return this.reserve(NLA_HDRLEN)
  }

  /** Ends the attribute that began at `at`: completes its header, and pads it. */
  endAttribute(at: number, typeAndFlags: number): void {
    const length = this.#length - at
    if (length > MAX_ATTRIBUTE) throw tooLong(length)
    this.#halves[at >> 1] = length
    this.#halves[(at >> 1) + 1] = typeAndFlags
    this.pad()
  }

  /** Completes the nlmsghdr at `at`, whose message is all that is behind it. */
  endMessage(at: number, type: number, flags: number, sequence: number): void {
    this.#words[at >> 2] = this.#length - at
    this.#halves[(at >> 1) + 2] = type
    this.#halves[(at >> 1) + 3] = flags
    this.#words[(at >> 2) + 2] = sequence
  }

  /** Sets further flags in the nlmsghdr at `at`. */
  addMessageFlags(at: number, flags: number): void {
    const half = (at >> 1) + 3
    this.#halves[half] = (this.#halves[half] ?? 0) | flags
  }

  /** Drops what was written from `at` on, for example a message whose encoding failed. */
  truncate(at: number): void {
    if (this.#length - at > WORTH_A_CALL) this.#bytes.fill(0, at, this.#length)
    else this.#clear(at, this.#length)
    this.#length = at
  }

  /** Zeroes a few bytes: whole words, but for those before the first. */
  #clear(at: number, end: number): void {
    const word = align(at)
    for (let i = at; i < word; i++) this.#bytes[i] = 0
    for (let i = word >> 2; i << 2 < end; i++) this.#words[i] = 0
  }

  /** The bytes written so far, without a copy: valid until the next write. */
  bytes(from = 0): Uint8Array {
    if (from !== 0) return this.#bytes.subarray(from, this.#length)
    if (this.#written?.length !== this.#length) this.#written = this.#bytes.subarray(0, this.#length)
    return this.#written
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(align(Math.max(needed, this.#bytes.length * 2)))
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
    this.#halves = new Uint16Array(bytes.buffer)
    this.#words = new Uint32Array(bytes.buffer)
    this.#written = undefined
  }
}

const tooLong = (length: number): RangeError =>
  new RangeError(`an attribute of ${length} bytes is longer than netlink's ${MAX_ATTRIBUTE}`)
