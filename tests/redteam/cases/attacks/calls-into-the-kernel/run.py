import ctypes
import errno
import os

print("tried")
libc = ctypes.CDLL(None, use_errno=True)
calls = {
    "x86_64": dict(io_uring_setup=425, io_uring_enter=426, bpf=321, perf_event_open=298, userfaultfd=323, add_key=248, request_key=249, keyctl=250,
        init_module=175, finit_module=313, kexec_load=246, mount=165, umount2=166, pivot_root=155, chroot=161, open_tree=428, move_mount=429, fsopen=430,
        fsmount=432, mount_setattr=442, open_by_handle_at=304, name_to_handle_at=303, fanotify_init=300, quotactl=179, swapon=167, reboot=169,
        settimeofday=164, clock_settime=227, acct=163, syslog=103, ptrace=101, process_vm_readv=310, process_vm_writev=311, kcmp=312, pidfd_getfd=438,
        unshare=272, setns=308, iopl=172, ioperm=173, modify_ldt=154, mq_open=240, sethostname=170, move_pages=279),
    "aarch64": dict(io_uring_setup=425, bpf=280, perf_event_open=241, userfaultfd=282, add_key=217, keyctl=219, mount=40, chroot=51, ptrace=117, unshare=97, setns=268),
}[os.uname().machine]
for name, number in calls.items():
    ctypes.set_errno(0)
    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    if result != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        print("LANDED:", name, result, errno.errorcode.get(ctypes.get_errno()))
