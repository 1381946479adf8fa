import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** Grid cells of a tile: 64 x 64. */
export const TOTAL_BINS = 4096

/** Tags of tiles.proto: field number and wire type in one byte. */
const tag = (field: number, type: WireType): number => (field << 3) | type
const TILE_COORD = tag(1, WireType.LengthDelimited)
const TILE_BINS = tag(2, WireType.LengthDelimited)
const COORD_X = tag(1, WireType.Varint)
const COORD_Y = tag(2, WireType.Varint)
const COORD_Z = tag(3, WireType.Varint)
const BINS_STATS = tag(1, WireType.LengthDelimited)
const BINS_TOTAL = tag(2, WireType.Varint)
const ENTRY_KEY = tag(1, WireType.Varint)
const ENTRY_VALUE = tag(2, WireType.LengthDelimited)
const STATS_S_SUM_T_SUM = tag(4, WireType.Bit64)
const STATS_S_SUM_T_MEAN = tag(5, WireType.Bit64)
const STATS_WEIGHT = tag(6, WireType.Bit64)

/**
 * Writes tiles in the format of tiles.proto, bin by bin, without building messages in memory.
 * Numbers that are 0 are left out, as proto3 does.
 */
export class TileEncoder {
  private readonly writer = new BinaryWriter()

  start(z: number, x: number, y: number): void {
    const { writer } = this
    writer.uint32(TILE_COORD).fork()
    if (x !== 0) writer.uint32(COORD_X).uint32(x)
    if (y !== 0) writer.uint32(COORD_Y).uint32(y)
    if (z !== 0) writer.uint32(COORD_Z).uint32(z)
    writer.join()
    writer.uint32(TILE_BINS).fork()
  }

  bin(bin: number, sSumTSum: number, sSumTMean: number, weight: number): void {
    const { writer } = this
    writer.uint32(BINS_STATS).fork()
    writer.uint32(ENTRY_KEY).uint32(bin)
    writer.uint32(ENTRY_VALUE).fork()
    if (sSumTSum !== 0) writer.uint32(STATS_S_SUM_T_SUM).double(sSumTSum)
    if (sSumTMean !== 0) writer.uint32(STATS_S_SUM_T_MEAN).double(sSumTMean)
    if (weight !== 0) writer.uint32(STATS_WEIGHT).double(weight)
    writer.join().join()
  }

  finish(): Uint8Array {
    return this.writer.uint32(BINS_TOTAL).uint32(TOTAL_BINS).join().finish()
  }
}
