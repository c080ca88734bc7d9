/// Writes packages: all members stored, one date, no extra fields. The same files make the same bytes on every machine.
package struct PackageLayout: Sendable {
  /// What is known of a member before it is written.
  package struct Part: Hashable, Sendable {
    package var path: String
    package var isExecutable: Bool
    /// Bytes, less than 4 GiB.
    package var size: Int
    /// CRC-32.
    package var checksum: UInt32

    package init(path: String, isExecutable: Bool, size: Int, checksum: UInt32) {
      self.path = path
      self.isExecutable = isExecutable
      self.size = size
      self.checksum = checksum
    }

    /// Of `content`, which lies beneath `.package`.
    package init(own path: String, _ content: [UInt8]) {
      var checksum = ZipChecksum()
      checksum.update(content)
      self.init(path: path, isExecutable: false, size: content.count, checksum: checksum.value)
    }

    private var common: ZipRecords.Common {
      let isASCII = path.utf8.allSatisfy { $0 < 0x80 }
      return ZipRecords.Common(
        version: ZipRecords.version, flags: isASCII ? 0 : ZipRecords.Flags.unicode, method: 0, time: 0,
        date: ZipRecords.date, checksum: checksum, compressedSize: UInt32(clamping: size), size: UInt32(clamping: size),
        nameLength: UInt16(clamping: path.utf8.count), extraLength: 0)
    }

    /// What stands before its content.
    package var header: [UInt8] {
      var bytes: [UInt8] = []
      bytes.append(littleEndian: ZipRecords.headerSignature)
      common.write(to: &bytes)
      return bytes + path.utf8
    }

    fileprivate func entry(at offset: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.append(littleEndian: ZipRecords.entrySignature)
      bytes.append(littleEndian: UInt16(ZipRecords.unix) << 8 | ZipRecords.version)
      common.write(to: &bytes)
      // No comment, the first disk, no internal attributes.
      for _ in 0..<3 { bytes.append(littleEndian: UInt16(0)) }
      bytes.append(littleEndian: UInt32(isExecutable ? 0o100755 : 0o100644) << 16)
      bytes.append(littleEndian: UInt32(clamping: offset))
      return bytes + path.utf8
    }
  }

  /// In the order in which they are written: index, signatures, files.
  package let parts: [Part]

  package init(index: PackageIndex, signatures: PackageSignatures, checksums: [UInt32]) {
    parts =
      [
        Part(own: PackageArchive.indexPath, index.bytes), Part(own: PackageArchive.signaturesPath, signatures.bytes),
      ]
      + zip(index.entries, checksums).map { entry, checksum in
        Part(path: entry.path.text, isExecutable: entry.isExecutable, size: entry.size, checksum: checksum)
      }
  }

  /// What stands behind the content of the last member: the directory and the end.
  package var trailer: [UInt8] {
    var (bytes, offset) = ([UInt8](), 0)
    for part in parts {
      bytes += part.entry(at: offset)
      offset += part.header.count + part.size
    }
    let size = bytes.count
    bytes.append(littleEndian: ZipRecords.endSignature)
    for _ in 0..<2 { bytes.append(littleEndian: UInt16(0)) }
    for _ in 0..<2 { bytes.append(littleEndian: UInt16(clamping: parts.count)) }
    bytes.append(littleEndian: UInt32(clamping: size))
    bytes.append(littleEndian: UInt32(clamping: offset))
    bytes.append(littleEndian: UInt16(0))
    return bytes
  }
}
