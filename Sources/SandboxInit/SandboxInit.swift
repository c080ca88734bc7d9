import CLinux
@main struct SandboxInit { static func main() {} }
