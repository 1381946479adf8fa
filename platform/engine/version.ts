/** Version of the engine: drivers and workers that meet in one database must have the same. */
export const VERSION = '0.1.0'
