import CLinux
import LinuxSystem
import PluginModel
import SandboxPlanning
import Testing

@testable import SandboxRuntime

// On the double; among those of the real kernel all the same, whose tests count the descriptors of this process.
extension RealSandboxes {
  @Suite("When an effect of a launch fails")
  struct FaultTests {
    /// Every kind of step is in it: a cgroup, a device program, an owner to be mapped, and a directory for writes that wait.
    private let plan = {
      var plan = SandboxPlan.fixture(
        ["/bin/true"],
        adding: [
          .bind(
            Bind(
              source: path("/srv"), target: path("/data"), kind: .directory, access: .readWrite, mapsOwner: true,
              stagesWrites: true))
        ])
      plan.deviceGuard = .program
      return plan
    }()

    /// What was made for the supervisor's life, not for a launch, and may stay: its program, its group, its maps, and the
    /// network of the next launch.
    private func launch(_ kernel: RecordingKernel, failingFrom fault: (Int, ErrorCode)?) async throws -> (
      error: LaunchError?, left: [String], effects: ArraySlice<RecordingKernel.Effect>
    ) {
      let cgroups = try CgroupManager(root: path("/double"), kernel: kernel)
      let launcher = try SandboxLauncher(
        initProgram: path("/sandbox-init"), cgroups: cgroups, loop: EventLoop(), staging: path("/double/staging"),
        kernel: kernel)
      let before = kernel.left
      let count = kernel.effects.count
      if let fault { kernel.fail(count + fault.0, fault.1) }
      var failure: LaunchError?
      do throws(LaunchError) {
        let sandbox = try await launcher.launch(plan)
        _ = await sandbox.exit()
        #expect(await sandbox.stagedWrites?.discard() == nil)
      } catch { failure = error }
      // The namespace of a map, the device program and the plugin's group are kept for the next launch.
      var left = kernel.left.filter {
        $0 != "descriptor of openFile" && $0 != "descriptor of loadDeviceProgram" && !$0.hasSuffix("/fixture")
      }
      let networks = kernel.effects.filter { $0 == .makeNetwork }.count
      if failure == nil, networks == 2, let kept = left.firstIndex(of: "descriptor of makeNetwork") {
        left.remove(at: kept)
      }
      for entry in before { if let index = left.firstIndex(of: entry) { left.remove(at: index) } }
      return (failure, left, kernel.effects[count...])
    }

    @Test("each in its turn, the launch is refused with that error and everything made before it is unmade")
    func everyEffect() async throws {
      let whole = try await launch(RecordingKernel(report: sandbox_report(.ready)), failingFrom: nil)
      #expect(whole.error == nil)
      // Up to the report that the worker runs; what follows is the sandbox's end.
      let last = try #require(whole.effects.firstIndex(of: .receive))
      let launching = whole.effects[...last]
      #expect(launching.count > 15, "\(launching)")
      for (number, effect) in launching.enumerated() {
        let kernel = RecordingKernel(report: sandbox_report(.ready))
        let result = try await launch(kernel, failingFrom: (number, .noMemory))
        #expect(result.error?.cause == SystemError("\(effect)", nil, .noMemory), "effect \(number): \(effect)")
        #expect(result.error?.cleanupErrors == [], "effect \(number): \(effect)")
        #expect(result.left.filter { !isExcused($0, effect) } == [], "effect \(number): \(effect)")
      }
    }

    /// Where the ending of a process itself is what fails, the process can't be gone.
    private func isExcused(_ entry: String, _ effect: RecordingKernel.Effect) -> Bool {
      entry.hasPrefix("process") && (effect == .kill || effect == .awaitEnd)
    }

    @Test("the first error is the one that is told, whatever the undoing meets")
    func firstErrorWins() async throws {
      let whole = try await launch(RecordingKernel(report: sandbox_report(.ready)), failingFrom: nil)
      let spawn = try #require(whole.effects.firstIndex(of: .spawn)) - whole.effects.startIndex
      let kernel = RecordingKernel(alsoFailing: .removeDirectory)
      let result = try await launch(kernel, failingFrom: (spawn, .operationNotPermitted))
      let error = try #require(result.error)
      #expect(error.step == "make the namespaces")
      #expect(error.cause.code == .operationNotPermitted)
      #expect(error.remedy?.contains("user namespaces") == true)
      #expect(error.cleanupErrors == [SystemError("removeDirectory", nil, .tryAgain)])
      #expect(result.left == result.left.filter { $0.hasPrefix("directory") })
    }

    @Test("inside the sandbox, step and operation are told in words and everything is unmade")
    func insideFailure() async throws {
      var report = sandbox_report(.failed)
      report.step = sandbox_step.sourceKind.rawValue
      report.error = 19
      report.index = UInt32(try #require(plan.filesystem.firstIndex { $0.target == path("/dev/null") }))
      let result = try await launch(RecordingKernel(report: report), failingFrom: nil)
      #expect(
        result.error?.step == "check what the source is of the writable bind of /dev/null at /dev/null")
      #expect(result.error?.cause == SystemError("fstat", "/dev/null", .noDevice))
      #expect(result.left == [])
    }

    @Test("a first process that ended before its ids were mapped is refused for its own reason")
    func endedBeforeMapping() async throws {
      var report = sandbox_report(.failed)
      report.step = sandbox_step.descriptors.rawValue
      report.error = 24
      let whole = try await launch(RecordingKernel(report: sandbox_report(.ready)), failingFrom: nil)
      let spawn = try #require(whole.effects.firstIndex(of: .spawn)) - whole.effects.startIndex
      // gid_map, uid_map and what lets it go on.
      for number in spawn + 1...spawn + 3 {
        let result = try await launch(RecordingKernel(report: report), failingFrom: (number, .accessDenied))
        #expect(result.error?.cause.code == .tooManyFiles, "effect \(number)")
        #expect(result.error?.remedy?.contains("raise the limit of open files") == true)
        #expect(result.left == [])
      }
    }

    @Test("a first process that ends without a word, or says nonsense, is a refusal too")
    func silence() async throws {
      #expect(try await launch(RecordingKernel(report: nil), failingFrom: nil).error?.cause.code == .badMessage)
      var nonsense = sandbox_report()
      nonsense.message = 77
      let result = try await launch(RecordingKernel(report: nonsense), failingFrom: nil)
      #expect(result.error?.cause.code == .badMessage)
      #expect(result.left == [])
    }

    @Test("a worker that ends as it should leaves nothing either")
    func wholeLife() async throws {
      let result = try await launch(RecordingKernel(report: sandbox_report(.ready)), failingFrom: nil)
      #expect(result.error == nil)
      #expect(result.left.filter { !$0.hasPrefix("descriptor") } == [])
    }
  }
}
