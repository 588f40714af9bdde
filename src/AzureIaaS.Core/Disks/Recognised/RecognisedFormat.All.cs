using System.Text;

namespace AzureIaaS.Disks.Recognised;

/// <content>The list: name, what to call it, extensions, signatures, what to do instead. Within it the special comes before the general.</content>
internal sealed partial class RecognisedFormat
{
    private const string Unpack = "Unpack it first and import the disk that is inside.";
    private const string Backup = "Restore it to a disk image (VHDX, VMDK or raw) with the program that made it, and import that.";
    private const string NotADisk = "Look for the disk image itself: .vhdx, .vhd, .vmdk, .qcow2 or .raw.";
    private const string Description = "It describes a machine and holds no disk: import the machine by it, or name the disk that it refers to.";
    private const string SavedState = "It is the memory of a machine that was saved, not its disk: shut the machine down and name its disk.";
    private const string Program = "It is a program and no disk: if it unpacks itself, run it where you trust it, and import the disk that comes out.";

    /// <summary>Every kind of file that is refused by name.</summary>
    public static IReadOnlyList<RecognisedFormat> All { get; } =
    [
        // Disks of other hypervisors, and those of a format's kinds that are not read.
        new("parallels", "a Parallels disk", [".hdd", ".hds"], [At(0, "WithoutFreeSpace"), At(0, "WithouFreSpacExt")], Qemu("parallels")),
        new("qed", "a QEMU QED disk", [".qed"], [At(0, "QED\0")], Qemu("qed")),
        new("bochs", "a Bochs disk", [], [At(0, "Bochs Virtual HD Image")], Qemu("bochs")),
        new("cloop", "a compressed loop disk (cloop)", [".cloop"], [At(0, "#!/bin/sh\n#V2.0 Format")], Qemu("cloop")),
        new("dmg", "an Apple disk image", [".dmg"], [At(-512, "koly")], Qemu("dmg")),
        new("sparseimage", "an Apple sparse disk image", [".sparseimage"], [At(0, "sprs")], "On a Mac, convert it and import the result: hdiutil convert -format UDTO"),
        new("vhds", "a Hyper-V VHD Set", [".vhds"], [], "Name the .avhdx file beside it, or convert the set on its Hyper-V host: Convert-VHD"),
        new("cowd", "a sparse extent of ESX or VMware Workstation 3 (COWD)", [], [At(0, "COWD")], "Name the small .vmdk text file beside it: it says which parents belong to it."),
        new("sesparse", "a space-efficient sparse extent of ESXi (seSparse)", [], [At(0, 0xBE, 0xBA, 0xFE, 0xCA, 0, 0, 0, 0)],
            "Name the small .vmdk text file beside it: it says which parents belong to it."),
        new("vmdk-extent", "one extent of a VMware VMDK, without the descriptor that says how to read it", [], [At(0, "KDMV")],
            "Name the small .vmdk text file beside it, which lists the extents."),
        new("vmdk-flat", "the data of a VMware VMDK, without its descriptor", ["-flat.vmdk"], [],
            "Name the small .vmdk text file beside it; if it is lost, these are the disk's own bytes: say so with -Format Raw (iaas: --format raw)."),
        new("ctk", "VMware's list of changed blocks", ["-ctk.vmdk"], [], "Name the .vmdk file whose name is the same without -ctk."),
        new("vma", "a Proxmox backup (VMA)", [".vma"], [At(0, "VMA\0")], "Unpack it on a Proxmox host and import the disks: vma extract {path} FOLDER"),
        new("chd", "a MAME compressed disk", [".chd"], [At(0, "MComprHD")], Unpack),
        new("android-sparse", "an Android sparse image", [], [At(0, 0x3A, 0xFF, 0x26, 0xED)], "Unpack it and import the result: simg2img {path} {raw}"),

        // What is encrypted.
        new("luks", "a LUKS-encrypted volume", [".luks"], [At(0, 'L', 'U', 'K', 'S', 0xBA, 0xBE), At(0, 'S', 'K', 'U', 'L', 0xBA, 0xBE)],
            "If QEMU encrypted it, decrypt it first (qemu-img convert --object secret,...); if the guest itself unlocks it, say so with -Format Raw (iaas: --format raw)."),

        // Copies and backups.
        new("ewf", "an EnCase evidence file", [".e01", ".ex01", ".l01"],
            [At(0, 'E', 'V', 'F', 9, 13, 10, 0xFF, 0), At(0, 'L', 'V', 'F', 9, 13, 10, 0xFF, 0), At(0, 'E', 'V', 'F', '2', 13, 10, 0x81, 0)],
            "Export it as raw bytes and import them: ewfexport -f raw -t {raw} {path}"),
        new("aff", "an AFF forensic image", [".aff"], [At(0, "AFF10\r\n\0")], "Export it as raw bytes and import them: affconvert -r {path}"),
        new("aff4", "an AFF4 forensic image", [".aff4"], [At(0, "PK\u0003\u0004")], "Export it as raw bytes with the program that made it, and import them.", byNameToo: true),
        new("wim", "a Windows image (WIM)", [".wim", ".esd", ".swm"], [At(0, "MSWIM\0\0\0"), At(0, "WLPWM\0\0\0")],
            "It holds files and no disk: apply it to a new VHDX (Expand-WindowsImage, bcdboot) and import that."),
        new("ffu", "a Windows full flash image (FFU)", [".ffu"], [At(4, "SignedImage ")], "Apply it to a new VHDX (dism /Apply-Ffu) and import that."),
        new("ghost", "a Norton Ghost image", [".gho"], [At(0, 0xFE, 0xEF, 1)], Backup),
        new("acronis", "an Acronis backup", [".tib", ".tibx"], [At(0, 0xB4, 0x6E, 0x68, 0x44)], Backup),
        new("veeam", "a Veeam backup", [".vbk", ".vib", ".vrb"], [], Backup),
        new("macrium", "a Macrium Reflect image", [".mrimg", ".mrimgx"], [], Backup),
        new("partclone", "a Partclone image", [], [At(0, "partclone-image")], Backup),
        new("partimage", "a Partimage image", [], [At(0, "PaRtImAgE-VoLuMe")], Backup),
        new("ntfsclone", "an ntfsclone image", [], [At(0, "\0ntfsclone-image")], "Restore it to a raw volume first: ntfsclone --restore-image --overwrite {raw} {path}"),
        new("fsarchiver", "an FSArchiver archive", [".fsa"], [At(0, "FsArCh")], Backup),

        // Media.
        new("iso", "an ISO 9660 medium", [".iso"], [At(0x8001, "CD001")],
            "It is a medium to install from, not a machine's disk; if its bytes are to be a disk all the same, say so with -Format Raw (iaas: --format raw)."),
        new("udf", "a UDF medium", [".udf"], [At(0x8001, "BEA01")],
            "It is a medium to install from, not a machine's disk; if its bytes are to be a disk all the same, say so with -Format Raw (iaas: --format raw)."),
        new("cd-raw", "a raw copy of a CD's sectors", [], [At(0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0)], NotADisk),
        new("nero", "a Nero disc image", [".nrg"], [At(-12, "NER5"), At(-8, "NERO")], NotADisk),

        // Machines' other files.
        new("vmcx", "a Hyper-V machine's configuration or state", [".vmcx", ".vmrs"], [At(0, 0x14, 0x20, 0x28, 0x01)],
            "A .vmcx is imported under that name; a .vmrs holds only the machine's state."),
        new("hyperv-saved", "a saved Hyper-V machine's state", [".vsv"], [], SavedState),
        new("vmware-state", "a VMware machine's saved state", [".vmss", ".vmsn"],
            [At(0, 0xD0, 0xBE, 0xD2, 0xBE), At(0, 0xD1, 0xBA, 0xD1, 0xBA), At(0, 0xD1, 0xBE, 0xD2, 0xBE), At(0, 0xD2, 0xBE, 0xD2, 0xBE)], SavedState),
        new("vmware-memory", "a VMware machine's memory", [".vmem"], [], SavedState),
        new("vmware-nvram", "a VMware machine's firmware settings", [".nvram"], [At(0, "MRVN")], NotADisk),
        new("virtualbox-state", "a saved VirtualBox machine's state", [".sav"], [At(0, "\u007FVirtualBox SavedState")], SavedState),
        new("qemu-state", "a saved QEMU machine's state", [], [At(0, "QEVM")], SavedState),
        new("libvirt-save", "a machine saved by libvirt", [], [At(0, "LibvirtQemudSave"), At(0, "LibvirtQemudPart")], SavedState),
        new("vmx", "a VMware machine's configuration", [".vmx", ".vmxf", ".vmsd", ".vmtx"], [], Description),
        new("vbox", "a VirtualBox machine's settings", [".vbox", ".vbox-prev"], [], Description),
        new("ovf", "an OVF description", [".ovf"], [], Description),
        new("html", "a web page", [".html", ".htm"], [At(0, "<!DOCTYPE html"), At(0, "<!doctype html"), At(0, "<!DOCTYPE HTML"), At(0, "<html"), At(0, "<HTML")],
            "The download gave a page (of a login or of an error) in place of the disk: open the file, see what it says, and download again."),
        new("xml", "an XML document", [".xml"], [At(0, "<?xml"), At(0, 0xEF, 0xBB, 0xBF, '<', '?', 'x', 'm', 'l'), At(0, 0xFF, 0xFE, '<', 0, '?', 0)], Description),
        new("git-lfs", "a pointer to a file in Git LFS, not the file", [], [At(0, "version https://git-lfs")], "Fetch the file itself: git lfs pull"),

        // Archives: those that hold machines first, then by what to unpack them with.
        new("ova", "an OVA appliance", [".ova"], [At(257, "ustar")], "Import the appliance itself; its disks are read from inside it.", byNameToo: true),
        new("xva", "a XenServer export (XVA)", [".xva"], [At(0, "ova.xml\0")], "Export the machine from XenServer as OVF/OVA, or its disk as VHD, and import that."),
        new("tar", "a tar archive", [".tar"], [At(257, "ustar")], "Unpack it first (tar -xf {path}) and import the disk that is inside."),
        new("gzip", "a gzip-compressed file", [".gz", ".tgz"], [At(0, 0x1F, 0x8B, 8)], "Give it its name with .gz back, and it is read as what it holds; or unpack it first (gunzip {path})."),
        new("xz", "an xz-compressed file", [".xz", ".txz"], [At(0, 0xFD, '7', 'z', 'X', 'Z', 0)], "Unpack it first (unxz {path}) and import the disk that is inside."),
        new("bzip2", "a bzip2-compressed file", [".bz2"], [At(0, "BZh").With(At(4, "1AY&SY"))], "Unpack it first (bunzip2 {path}) and import the disk that is inside."),
        new("zstd", "a zstd-compressed file", [".zst"], [At(0, 0x28, 0xB5, 0x2F, 0xFD)], "Unpack it first (unzstd {path}) and import the disk that is inside."),
        new("lz4", "an lz4-compressed file", [".lz4"], [At(0, 0x04, 0x22, 0x4D, 0x18)], "Unpack it first (unlz4 {path}) and import the disk that is inside."),
        new("lzop", "an lzop-compressed file", [".lzo"], [At(0, 0x89, 'L', 'Z', 'O', 0, 13, 10, 0x1A)], "Unpack it first (lzop -d {path}) and import the disk that is inside."),
        new("lzip", "an lzip-compressed file", [".lz"], [At(0, "LZIP\u0001")], Unpack),
        new("compress", "a compress-ed file", [".z"], [At(0, 0x1F, 0x9D)], Unpack, byNameToo: true),
        new("zip", "a zip archive", [".zip"], [At(0, "PK\u0003\u0004"), At(0, "PK\u0005\u0006")], "Unpack it first (Expand-Archive {path}) and import the disk that is inside."),
        new("7z", "a 7-Zip archive", [".7z"], [At(0, '7', 'z', 0xBC, 0xAF, 0x27, 0x1C)], "Unpack it first (7z x {path}) and import the disk that is inside."),
        new("rar", "a RAR archive", [".rar"], [At(0, "Rar!\u001A\u0007")], Unpack),
        new("cab", "a cabinet archive", [".cab"], [At(0, "MSCF\0\0\0\0")], Unpack),
        new("cpio", "a cpio archive", [".cpio"], [At(0, "070701"), At(0, "070702"), At(0, "070707")], Unpack),
        new("ar", "an ar or Debian package", [".deb"], [At(0, "!<arch>\n")], Unpack),
        new("rpm", "an RPM package", [".rpm"], [At(0, 0xED, 0xAB, 0xEE, 0xDB)], Unpack),
        new("squashfs", "a SquashFS file system", [".squashfs", ".sqfs", ".snap"], [At(0, "hsqs"), At(0, "sqsh")],
            "It holds files and no bootable disk: unpack it (unsquashfs {path}), or, if its bytes are to be a disk all the same, say so with -Format Raw (iaas: --format raw)."),
        new("cramfs", "a cramfs file system", [], [At(0, 0x45, 0x3D, 0xCD, 0x28)], Unpack),

        // What is no disk at all.
        new("pe", "a Windows program", [".exe", ".dll"], [At(0, "MZ").With(At(0x4E, "This program")), At(0, "MZ").With(At(0x50, "This program"))], Program),
        new("elf", "a Linux program", [], [At(0, "\u007FELF")], Program),
        new("mach-o", "a macOS program", [], [At(0, 0xCF, 0xFA, 0xED, 0xFE), At(0, 0xCE, 0xFA, 0xED, 0xFE)], Program),
        new("linux-kernel", "a Linux kernel", [], [At(0x202, "HdrS")], NotADisk),
        new("pdf", "a PDF document", [".pdf"], [At(0, "%PDF-")], NotADisk),
        new("png", "a picture", [".png", ".jpg", ".jpeg"], [At(0, 0x89, 'P', 'N', 'G', 13, 10), At(0, 0xFF, 0xD8, 0xFF)], NotADisk),
        new("sqlite", "an SQLite database", [".sqlite", ".db"], [At(0, "SQLite format 3\0")], NotADisk),
    ];

    private static Signature At(int offset, string text) => new(offset, Encoding.Latin1.GetBytes(text));

    private static Signature At(int offset, params int[] bytes) => new(offset, [.. bytes.Select(b => (byte)b)]);

    private static string Qemu(string driver) => $"Convert it with QEMU's tool and import the result: qemu-img convert -f {driver} -O raw {{path}} {{raw}}";
}
