extension TrustPolicy {
  package enum SectionKey: String, CaseIterable {
    case requireSignature = "require_signature"
    case keys
    case revoked
  }
  package enum KeyKey: String, CaseIterable {
    case name
    case publicKey = "public_key"
    case plugins
    case expires
  }

  /// Reads `plugins.security.trust`. Where keys are named, a signature is required unless `require_signature` says otherwise.
  init(_ section: MappingReader<SectionKey>) {
    self.init()
    keys =
      section.optional(.keys)?.list(maximumCount: 256)?.compactMap { item in
        item.mapping(KeyKey.self).flatMap(Self.key)
      } ?? []
    refuseTwice(section)
    requiresSignature = section.optional(.requireSignature)?.bool() ?? !keys.isEmpty
    for item in section.optional(.revoked)?.list(maximumCount: 65_536) ?? [] {
      guard let text = item.text() else { continue }
      if let digest = ContentDigest(described: text) {
        revokedPackages.insert(digest)
      } else if let key = KeyIdentifier(text) {
        revokedKeys.insert(key)
      } else {
        item.error(
          "\(text.quoted) names neither a key nor a package",
          hint: "write a key's id, \(KeyIdentifier.grammar) between quotes, or a package's checksum: sha256:…")
      }
    }
  }

  private static func key(_ mapping: MappingReader<KeyKey>) -> Key? {
    let name = mapping.required(.name)?.string(maximumBytes: 128)
    let key = mapping.required(.publicKey).flatMap(publicKey)
    let plugins = mapping.required(.plugins, hint: "name the plugins that it may sign: [acme_*]")?
      .listOrSingle(maximumCount: 256, pattern)
    let expires = mapping.optional(.expires).map(date)
    // A date that can't be read is no key without an end.
    guard let name, let key, let plugins, expires != .some(nil) else { return nil }
    return Key(name: name, key: key, plugins: plugins, expires: expires ?? nil)
  }

  private static func publicKey(_ reader: ValueReader) -> PublicKey? {
    guard let text = reader.string() else { return nil }
    guard let key = PublicKey(text) else {
      reader.error("\(text.quoted) is not a public key", hint: "write \(PublicKey.grammar)")
      return nil
    }
    return key
  }

  private static func pattern(_ reader: ValueReader) -> GlobPattern? {
    guard let text = reader.string(maximumBytes: 64) else { return nil }
    let isPattern = !text.isEmpty && PluginName("a" + text.filter { $0 != "*" && $0 != "?" }) != nil
    guard isPattern else {
      reader.error(
        "\(text.quoted) is not a pattern of plugin names", hint: "use \(PluginName.grammar); '*' stands for any of them"
      )
      return nil
    }
    return GlobPattern(text)
  }

  private static func date(_ reader: ValueReader) -> CalendarDate? {
    guard let text = reader.text() else { return nil }
    guard let date = CalendarDate(text) else {
      reader.error("\(text.quoted) is not a day", hint: "write its last day as 2027-01-31, UTC")
      return nil
    }
    return date
  }

  private func refuseTwice(_ section: MappingReader<SectionKey>) {
    for (position, key) in keys.enumerated() where keys[..<position].contains(where: { $0.key == key.key }) {
      section.optional(.keys)?.error(
        "the public key of \(key.name.quoted) is there twice", why: "it would be unclear what it may sign",
        hint: "name it once, with all its plugins")
    }
  }
}
