/** What a page's worker is told to do with its storage, and what it tells. */
export interface StorageTask {
  readonly work: 'write' | 'look' | 'fill';
  readonly storage: 'indexeddb' | 'opfs';
  readonly name: string;
}

/** How many records are whole, and the number that was last put in the small file. */
export interface StorageState {
  readonly records: number;
  readonly vote: number;
  readonly error?: string;
  readonly kind?: string;
}
