import Foundation
import LinuxSystem
import PluginModel
import PluginRegistry
import Testing

@testable import orchestrator

/// `plugin pack`, `keygen`, `sign` and `verify`, and the sandbox in which packages are unpacked.
@Suite("Packages on the command line")
struct PackageCommandTests {
  private func plugin(in directory: TemporaryDirectory, extra: [String: String] = [:]) throws {
    let files = [
      "plugin.yaml":
        "name: sample\nversion: 1.2.0\nauthor: a\npermissions: [filesystem.read]\nentry_point: plugin.py\n",
      "plugin.py": "raise SystemExit('it was run')\n", "data/zeros.txt": String(repeating: "0", count: 200_000),
    ]
    for (name, text) in files.merging(extra, uniquingKeysWith: { $1 }) { try directory.write("sample/\(name)", text) }
    let packed = try Program.run(["plugin", "pack", "sample"], in: directory)
    try #require(packed.status == 0, "\(packed.errors)")
  }

  /// Recompresses the package with another program's zip library; `change` are lines of Python that get `info` and `content` of every file.
  private func recompress(in directory: TemporaryDirectory, _ more: String = "") throws {
    let script = """
      import struct, zipfile
      source = zipfile.ZipFile('sample-1.2.0.zip')
      with zipfile.ZipFile('deflated.zip', 'w') as target:
          for info in source.infolist():
              own = info.filename.startswith('.package')
              method = zipfile.ZIP_STORED if own else zipfile.ZIP_DEFLATED
              target.writestr(info, source.read(info), compress_type=method)
      data = bytearray(open('deflated.zip', 'rb').read())
      \(more)
      open('deflated.zip', 'wb').write(data)
      """
    let outcome = try Program.run(["-c", script], in: directory, executable: "/usr/bin/python3")
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  private func verify(
    _ name: String, in directory: TemporaryDirectory, _ more: String...
  ) throws -> Program.Outcome {
    try Program.run(["plugin", "verify", name, "--state-dir", "state"] + more, in: directory)
  }

  @Test("packs, says how large and what was left out, and makes the same bytes again")
  func pack() throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory, extra: ["__pycache__/x.pyc": "x"])
    let first = try Data(contentsOf: URL(fileURLWithPath: directory.path + "/sample-1.2.0.zip"))
    let packed = try Program.run(["plugin", "pack", "sample", "--out", "again.zip", "--output", "json"], in: directory)
    #expect(try Data(contentsOf: URL(fileURLWithPath: directory.path + "/again.zip")) == first)
    let report = try JSONValue(json: Array(packed.output.utf8))
    #expect(report["ignored"] == ["__pycache__/"])
    #expect(report["metadata"]?["version"] == "1.2.0")
    let sum = try Program.run(["again.zip"], in: directory, executable: "/usr/bin/sha256sum").output.prefix(64)
    #expect(report["checksum"]?.stringValue == "sha256:\(sum)")
    let text = try Program.run(["plugin", "pack", "sample"], in: directory).output
    #expect(text.contains("  largest      data/zeros.txt, 200000 bytes"))
    #expect(text.contains("  left out     __pycache__/"))
  }

  @Test("makes a key for its owner alone, and overwrites none")
  func keygen() throws {
    let directory = try TemporaryDirectory()
    #expect(try Program.run(["plugin", "keygen", "--out", "k"], in: directory).status == 0)
    let mode = try FileManager.default.attributesOfItem(atPath: directory.path + "/k")[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let before = try directory.read("k")
    let again = try Program.run(["plugin", "keygen", "--out", "k"], in: directory)
    #expect(again.status == 2)
    #expect(again.errors.contains("hint: name a file that doesn't exist"))
    #expect(try directory.read("k") == before)
    try plugin(in: directory)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: directory.path + "/k")
    let open = try Program.run(["plugin", "sign", "sample-1.2.0.zip", "--key", "k"], in: directory)
    #expect(open.status == 2)
    #expect(open.errors.contains("isn't private"))
  }

  @Test("says who signed what, with which role, and refuses what isn't trusted")
  func signing() throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory)
    #expect(try Program.run(["plugin", "keygen", "--out", "k"], in: directory).status == 0)
    let key = try directory.read("k.pub").trimmingCharacters(in: .whitespacesAndNewlines)
    func configure(_ plugins: String, _ rest: String = "") throws {
      let keys = "[{name: me, public_key: \"\(key)\", plugins: [\"\(plugins)\"]}]"
      try directory.write("c.yaml", "plugins: {security: {trust: {keys: \(keys)\(rest)}}}\n")
    }
    try configure("sam*")
    let unsigned = try verify("sample-1.2.0.zip", in: directory, "--config", "c.yaml")
    #expect(unsigned.status == 2)
    #expect(unsigned.errors.contains("it is not signed"))
    let signed = try Program.run(["plugin", "sign", "sample-1.2.0.zip", "--key", "k"], in: directory)
    #expect(signed.status == 0, "\(signed.errors)")
    let trusted = try verify("sample-1.2.0.zip", in: directory, "--config", "c.yaml")
    #expect(trusted.status == 0, "\(trusted.errors)")
    #expect(trusted.output.contains("sample 1.2.0 is whole, and trusted"))
    #expect(trusted.output.contains("is trusted, for sam*"))
    #expect(trusted.output.contains("asks for     filesystem.read"))
    try configure("other")
    let json = try verify("sample-1.2.0.zip", in: directory, "--config", "c.yaml", "--output", "json")
    #expect(json.status == 2)
    let report = try JSONValue(json: Array(json.output.utf8))
    #expect(report["verdict"] == "refused")
    #expect(report["checksum"]?.stringValue.map { signed.output.contains($0) } == true)
    try configure("sam*", ", revoked: [\"\(report["checksum"]?.stringValue ?? "")\"]")
    #expect(try verify("sample-1.2.0.zip", in: directory, "--config", "c.yaml").errors.contains("was revoked"))
    // Without a trust store nobody demands a signature.
    let untold = try verify("sample-1.2.0.zip", in: directory)
    #expect(untold.status == 0)
    #expect(untold.output.contains("is whole, and untrusted"))
    #expect(untold.errors.contains("warning"))
  }

  @Test("loses no signature where two sign at one time: both stay, or one is told to try again")
  func signingTogether() throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory)
    for key in ["k", "l"] { #expect(try Program.run(["plugin", "keygen", "--out", key], in: directory).status == 0) }
    let lock = try LinuxKernel().lockDirectory(directory.path)
    let refused = try Program.run(["plugin", "sign", "sample-1.2.0.zip", "--key", "k"], in: directory)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("hint: try again"))
    #expect(try PackageFile(opening: directory.path + "/sample-1.2.0.zip").signatures.items.isEmpty)
    lock.close()
    let both = try ["k", "l"].map {
      try Program.start(["plugin", "sign", "sample-1.2.0.zip", "--key", $0], in: directory)
    }
    let signed = try both.map { try $0.wait().status }.count { $0 == 0 }
    #expect(signed >= 1)
    #expect(try PackageFile(opening: directory.path + "/sample-1.2.0.zip").signatures.items.count == signed)
    let absent = try Program.run(["plugin", "sign", "none.zip", "--key", "k"], in: directory)
    #expect(absent.status == 2)
    #expect(absent.errors.contains("none.zip is not a package"))
  }

  @Test("unpacks what another program compressed, in a sandbox, under the same signature")
  func deflated() throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory)
    try recompress(in: directory)
    let verified = try verify("deflated.zip", in: directory)
    #expect(verified.status == 0, "\(verified.errors)")
    #expect(verified.output.contains("sample 1.2.0 is whole"))
    let sizes = try ["deflated.zip", "sample-1.2.0.zip"].map {
      try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/\($0)")).count
    }
    #expect(sizes[0] < sizes[1] / 2)
    let signed = try Program.run(["plugin", "keygen", "--out", "k"], in: directory).status
    #expect(signed == 0)
    let refused = try Program.run(["plugin", "sign", "deflated.zip", "--key", "k"], in: directory)
    #expect(refused.status == 2)
    #expect(refused.errors.contains("compressed"))
  }

  @Test("unpacks into an empty directory, with what lies in an archive in the package as it is")
  func unpacking() async throws {
    let directory = try TemporaryDirectory()
    // Ten megabytes of zeros in a zip file in the package: nobody looks into it.
    let made = try Program.run(
      [
        "-c",
        """
        import zipfile
        with zipfile.ZipFile('inner.zip', 'w', zipfile.ZIP_DEFLATED) as target:
            target.writestr('zeros', bytes(10_000_000))
        """,
      ], in: directory, executable: "/usr/bin/python3")
    try #require(made.status == 0, "\(made.errors)")
    try directory.write("sample/run.sh", "#!/bin/sh\n")
    try FileManager.default.copyItem(
      atPath: directory.path + "/inner.zip", toPath: directory.path + "/sample/inner.zip")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path + "/sample/run.sh")
    try plugin(in: directory)
    try recompress(in: directory)
    let (place, package) = (directory.path + "/staging", try PackageFile(opening: directory.path + "/deflated.zip"))
    let staging = try Directory(making: place)
    let bootstrap = try Bootstrap()
    let options = try SandboxOptions.parse([])
    let content = try await bootstrap.withUnpacker(
      options, state: directory.path + "/state", system: SystemConfiguration()
    ) { unpacker async throws(CommandFailure) in try await unpacker.content(of: package) }
    try content.write(into: staging)
    #expect(try content.manifest(engineVersion: engineVersion).name.text == "sample")
    #expect(try staging.names(limit: 10) == ["data", "inner.zip", "plugin.py", "plugin.yaml", "run.sh"])
    for name in ["data/zeros.txt", "inner.zip", "plugin.py"] {
      #expect(
        FileManager.default.contentsEqual(atPath: "\(place)/\(name)", andPath: "\(directory.path)/sample/\(name)"))
    }
    #expect(try staging.status("run.sh").permissions == 0o755)
  }

  @Test(
    "refuses compressed content that isn't what the index says",
    arguments: [
      // The first byte of the first deflated stream.
      "i = data.index(b'data/zeros.txt', data.index(b'PK', data.index(b'signatures'))) + 14; data[i] ^= 0xFF",
      // Its last byte but one.
      "i = data.index(b'PK', data.index(b'data/zeros.txt', data.index(b'PK', data.index(b'signatures')))); data[i - 2] ^= 1",
    ])
  func damaged(_ change: String) throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory)
    try recompress(in: directory, change)
    let verified = try verify("deflated.zip", in: directory)
    #expect(verified.status == 2)
    #expect(verified.errors.contains("deflated.zip"), "\(verified.errors)")
    #expect(
      ["can't be unpacked", "SHA-256", "unpacks to"].contains { verified.errors.contains($0) }, "\(verified.errors)")
  }

  /// Sizes that are small in every header, and content that isn't: 40 MB of zeros in 40 kB.
  @Test("stops a bomb that says to be small")
  func bomb() throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory)
    let script = """
      import struct, zipfile, zlib
      source = zipfile.ZipFile('sample-1.2.0.zip')
      packer = zlib.compressobj(9, zlib.DEFLATED, -15)
      bomb = packer.compress(bytes(40_000_000)) + packer.flush()
      body, directory = b'', b''
      for info in source.infolist():
          content, method = source.read(info), 0
          if info.filename == 'data/zeros.txt':
              content, method = bomb, 8
          name = info.filename.encode()
          common = struct.pack('<HHHHHIIIHH', 20, 0, method, 0, 33, info.CRC, len(content), info.file_size, len(name), 0)
          directory += b'PK\\1\\2' + struct.pack('<H', 3 << 8 | 20) + common + struct.pack('<HHHII', 0, 0, 0, 0o100644 << 16, len(body)) + name
          body += b'PK\\3\\4' + common + name + content
      count = len(source.infolist())
      end = b'PK\\5\\6' + struct.pack('<HHHHIIH', 0, 0, count, count, len(directory), len(body), 0)
      open('bomb.zip', 'wb').write(body + directory + end)
      """
    let made = try Program.run(["-c", script], in: directory, executable: "/usr/bin/python3")
    try #require(made.status == 0, "\(made.errors)")
    let verified = try verify("bomb.zip", in: directory)
    #expect(verified.status == 2)
    #expect(verified.errors.contains("can't be unpacked"), "\(verified.errors)")
  }

  @Test("refuses what is no package, with its reason, and leaves nothing on the disk")
  func noPackages() throws {
    let directory = try TemporaryDirectory()
    try plugin(in: directory)
    let made = try Program.run(
      [
        "-c",
        """
        import zipfile
        with zipfile.ZipFile('slip.zip', 'w') as target:
            target.writestr('../../escaped.py', 'x')
            target.writestr('plugin.yaml', 'name: slip')
        data = open('sample-1.2.0.zip', 'rb').read()
        open('short.zip', 'wb').write(data[:-1])
        open('long.zip', 'wb').write(data + b'x')
        open('empty.zip', 'wb').close()
        """,
      ], in: directory, executable: "/usr/bin/python3")
    try #require(made.status == 0, "\(made.errors)")
    let before = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { !$0.hasPrefix(".") }
      .sorted()
    for (name, reason) in [
      ("slip.zip", "lead out of the package"), ("short.zip", "cut short"), ("long.zip", "something was added"),
      ("empty.zip", "cut short"), ("absent.zip", "absent.zip"), ("sample", "not a regular file"),
    ] {
      let outcome = try verify(name, in: directory)
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains(reason), "\(name): \(outcome.errors)")
    }
    let after = try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { !$0.hasPrefix(".") }
      .sorted()
    #expect(after == before)
  }

  @Test("packs nothing that a package can't hold, and writes no file")
  func unpackable() throws {
    let directory = try TemporaryDirectory()
    try directory.write("sample/plugin.yaml", "name: sample\nversion: 1.2.0\nauthor: a\nentry_point: plugin.py\n")
    try directory.write("sample/plugin.py", "")
    try FileManager.default.createSymbolicLink(
      atPath: directory.path + "/sample/secrets", withDestinationPath: "/etc/shadow")
    let outcome = try Program.run(["plugin", "pack", "sample"], in: directory)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("sample/secrets can't be packed"))
    #expect(!directory.exists("sample-1.2.0.zip"))
    let lost = try Program.run(["plugin", "pack", "sample", "--out", "no/such/p.zip"], in: directory)
    #expect(lost.status == 2)
  }
}
