import Glibc

/// The errno values that decisions or hints are made on.
extension ErrorCode {
  package static let operationNotPermitted = ErrorCode(rawValue: EPERM)
  package static let notFound = ErrorCode(rawValue: ENOENT)
  package static let noProcess = ErrorCode(rawValue: ESRCH)
  package static let tryAgain = ErrorCode(rawValue: EAGAIN)
  package static let noMemory = ErrorCode(rawValue: ENOMEM)
  package static let accessDenied = ErrorCode(rawValue: EACCES)
  package static let deviceBusy = ErrorCode(rawValue: EBUSY)
  package static let exists = ErrorCode(rawValue: EEXIST)
  package static let noDevice = ErrorCode(rawValue: ENODEV)
  package static let notADirectory = ErrorCode(rawValue: ENOTDIR)
  package static let invalidArgument = ErrorCode(rawValue: EINVAL)
  package static let tooManyFilesInSystem = ErrorCode(rawValue: ENFILE)
  package static let tooManyFiles = ErrorCode(rawValue: EMFILE)
  package static let noSpace = ErrorCode(rawValue: ENOSPC)
  package static let readOnlyFilesystem = ErrorCode(rawValue: EROFS)
  package static let noSystemCall = ErrorCode(rawValue: ENOSYS)
  package static let notEmpty = ErrorCode(rawValue: ENOTEMPTY)
  package static let tooManyLinks = ErrorCode(rawValue: ELOOP)
  package static let notSupported = ErrorCode(rawValue: EOPNOTSUPP)
  package static let badMessage = ErrorCode(rawValue: EBADMSG)
  package static let timedOut = ErrorCode(rawValue: ETIMEDOUT)
  package static let noMessage = ErrorCode(rawValue: ENOMSG)
  package static let stale = ErrorCode(rawValue: ESTALE)
  package static let noChild = ErrorCode(rawValue: ECHILD)
}
