import type { PortMappingIsolator, PortMappingIsolatorOptions } from 'rtnetlink'

/** Where a verb finds the isolator of this host: in a daemon the one that it holds, without a daemon one for the call. */
export interface Isolators {
  /**
   * Does something with the isolator that has these options.
   *
   * @param knows whether the work is about containers that are there already: the isolator has recovered them then
   * @throws CniError 7 where the host's isolator has other options; IsolatorError as `PortMappingIsolator.create`
   */
  use<T>(
    options: PortMappingIsolatorOptions,
    knows: 'all' | 'none',
    work: (isolator: PortMappingIsolator) => Promise<T>,
  ): Promise<T>

  /** Takes containers away, whatever options they were made with. Ids that nobody knows are passed over. */
  remove(ids: readonly string[]): Promise<void>

  /** The ids of the containers that there are, whoever made them. */
  ids(): Promise<string[]>

  /**
   * Whether an ADD with these options could be taken.
   *
   * @throws CniError 50 where not, 51 where what is there is not whole
   */
  status(options: PortMappingIsolatorOptions): Promise<void>
}
