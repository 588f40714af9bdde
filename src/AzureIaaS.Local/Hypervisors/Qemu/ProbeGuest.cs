using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>
/// A guest of one sector that tells whether an accelerator runs guests, and at a processor's speed: it enters protected mode, counts down from
/// 2^28 and leaves QEMU through its debug exit. That is half a second under KVM and a second translated; a KVM that emulates the guest's kernel
/// instruction by instruction needs minutes.
/// </summary>
internal static class ProbeGuest
{
    private const int Sector = 512;
    private const int GuestRan = (0x31 << 1) | 1;

    private static ReadOnlySpan<byte> Code =>
    [
        0xFA,                                       // 7C00  cli
        0x31, 0xC0,                                 //       xor ax, ax
        0x8E, 0xD8,                                 //       mov ds, ax
        0x0F, 0x01, 0x16, 0x27, 0x7C,               //       lgdt [7C27]
        0x0F, 0x20, 0xC0,                           //       mov eax, cr0
        0x0C, 0x01,                                 //       or al, 1
        0x0F, 0x22, 0xC0,                           //       mov cr0, eax
        0xEA, 0x17, 0x7C, 0x08, 0x00,               //       jmp 8:7C17
        0xB9, 0x00, 0x00, 0x00, 0x10,               // 7C17  mov ecx, 2^28
        0x49,                                       // 7C1C  dec ecx
        0x75, 0xFD,                                 //       jnz 7C1C
        0x66, 0xBA, 0x01, 0x05,                     //       mov dx, 501h
        0xB0, 0x31,                                 //       mov al, 31h
        0xEE,                                       //       out dx, al
        0xF4,                                       //       hlt
        0x0F, 0x00, 0x2D, 0x7C, 0x00, 0x00,         // 7C27  the table of segments: 16 bytes at 7C2D
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0xFF, 0xFF, 0x00, 0x00, 0x00, 0x9A, 0xCF, 0x00,   // 8: code, 32 bits, 4 GiB
    ];

    /// <summary>Boots it.</summary>
    /// <param name="program">QEMU.</param>
    /// <param name="accelerator">What is to run it.</param>
    /// <param name="disk">A file to make its disk in, which is deleted afterwards.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Whether it ran to its end.</returns>
    public static async Task<bool> RunsAsync(string program, Accelerator accelerator, string disk, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            var content = new byte[64 << 10];
            Code.CopyTo(content);
            (content[Sector - 2], content[Sector - 1]) = (0x55, 0xAA);
            await File.WriteAllBytesAsync(disk, content, cancellation);
            var result = await ProgramRun.RunAsync(program,
                [
                    "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc", "-accel", accelerator.Name, "-cpu", accelerator.Cpu, "-m", "32",
                    "-device", "isa-debug-exit,iobase=0x501,iosize=1", "-drive", $"file={QemuCommandLine.Escape(disk)},format=raw,if=ide", "-boot", "c",
                ], limit, cancellation);
            return result.ExitCode == GuestRan;
        }
        finally
        {
            File.Delete(disk);
        }
    }
}
