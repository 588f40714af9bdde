# What the tests share: a home of their own, guests, shells, and a look at what is left behind.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$RepositoryRoot = (Resolve-Path "$PSScriptRoot/../..").Path
$ModulePath = Join-Path $RepositoryRoot 'AzureIaaS.psd1'
$GuestsPath = Join-Path $RepositoryRoot 'tests/Guests/bin/Release/net10.0/AzureIaaS.Guests.dll'
$PowerShellPath = (Get-Process -Id $PID).Path

$TestHome = $FormerContexts = $null
$Former = @{}
$Held = [System.Collections.Generic.List[IDisposable]]::new()

# --- What this machine has -------------------------------------------------------------------------------------------

# The test guest is built for .NET 10, so a PowerShell on an older .NET makes do with a disk that does not boot.
function Test-GuestLibrary { [Environment]::Version.Major -ge 10 -and (Test-Path $GuestsPath) }

function Test-Qemu { $IsLinux -and (Test-GuestLibrary) -and [bool](Get-Command qemu-system-x86_64 -ErrorAction Ignore) }

function Test-Root { $IsLinux -and (id -u) -eq '0' }

# Small disks are file systems in memory; in most containers not even root may make one.
function Test-Mount {
    if (-not (Test-Root)) { return $false }
    $folder = (New-Item -ItemType Directory "/tmp/$(New-Guid)").FullName
    mount -t tmpfs -o size=1m tmpfs $folder 2>$null
    $works = $LASTEXITCODE -eq 0
    if ($works) { umount $folder }
    Remove-Item $folder
    $works
}

# --- A home for the tests of one file --------------------------------------------------------------------------------

<#
.SYNOPSIS
Gives the tests of a file a folder, $TestHome, with a configuration, a data folder and a fabric of their own, and connects to that.
.DESCRIPTION
It is not Pester's TestDrive: that is tidied between blocks, and would lose what a watcher or a machine still has open. No watcher is started for a simulated fabric unless asked for: its lock is held here, and a process for each test file is saved.
#>
function Enter-TestHome {
    param([switch]$Qemu, [switch]$Watched)
    Import-Module $ModulePath -Global
    foreach ($name in 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'PATH') {
        $Former[$name] = [Environment]::GetEnvironmentVariable($name)
    }
    # Short, for the paths of sockets are.
    $script:TestHome = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "iaas-$("$(New-Guid)".Substring(0, 8))")).FullName
    $env:XDG_CONFIG_HOME = Join-Path $TestHome 'config'
    $env:XDG_DATA_HOME = Join-Path $TestHome 'data'
    # Where the system's folders cannot be moved (Windows, macOS), the user's own list of contexts is put back afterwards.
    $file = Get-ContextFile
    $script:FormerContexts = (Test-Path $file) ? [IO.File]::ReadAllBytes($file) : $null
    New-TestFabric (Join-Path $TestHome 'fabric') -Qemu:$Qemu -Watched:$Watched
}

function Get-ContextFile { Join-Path ([Environment]::GetFolderPath('ApplicationData', 'DoNotVerify')) 'azureiaas/contexts.json' }

<#
.SYNOPSIS
Connects to a fabric of its own in a folder.
#>
function New-TestFabric {
    param([Parameter(Mandatory)][string]$Path, [string]$Name = 'test', [switch]$Qemu, [switch]$Watched)
    $hypervisor = if ($Qemu) { 'Qemu' } else { 'Simulated' }
    if (-not ($Qemu -or $Watched)) { Lock-Watcher $Path }
    Connect-IaaS -Local -Path $Path -Hypervisor $hypervisor -Name $Name
}

function Lock-Watcher {
    param([string]$Path)
    $locks = Join-Path $Path 'locks'
    New-Item -ItemType Directory -Force $locks | Out-Null
    $Held.Add([IO.File]::Open((Join-Path $locks 'watcher.lock'), 'OpenOrCreate', 'ReadWrite', 'None'))
}

<#
.SYNOPSIS
Removes every machine of every context and every process of this home, and puts the environment back.
#>
function Exit-TestHome {
    foreach ($context in Get-IaaSContext -ErrorAction Ignore | Where-Object Path -Like "$TestHome*") {
        Get-IaaSVm -Context $context.Name -ErrorAction Ignore | Remove-IaaSVm -Force -Confirm:$false -ErrorAction Ignore
        Disconnect-IaaS $context.Name | Out-Null
    }
    # Whoever starts machines before the machines: a watcher brings back the one that it sees killed.
    Wait-Until {
        $left = Get-TestProcess $TestHome | Sort-Object { $_.CommandLine -match '^\S*qemu' }
        foreach ($process in $left) { Stop-Process -Id $process.Id -Force -ErrorAction Ignore }
        -not $left
    } "the processes of $TestHome to end"
    $Held | ForEach-Object Dispose
    $Held.Clear()
    if ($FormerContexts) { [IO.File]::WriteAllBytes((Get-ContextFile), $FormerContexts) }
    else { Remove-Item (Get-ContextFile) -ErrorAction Ignore }
    Remove-Item $TestHome -Recurse -Force
    foreach ($name in @($Former.Keys)) { [Environment]::SetEnvironmentVariable($name, $Former[$name]) }
}

# --- Images ----------------------------------------------------------------------------------------------------------

<#
.SYNOPSIS
Makes raw disks with the boot-sector guest on them, or, where that cannot be had, with a partition table only.
#>
function New-TestImage {
    param([Parameter(Mandatory)][string[]]$Path, [hashtable]$Options = @{})
    foreach ($file in $Path) {
        New-Item -ItemType Directory -Force (Split-Path $file) | Out-Null
        if (Test-GuestLibrary) {
            Add-Type -Path $GuestsPath
            $guest = [AzureIaaS.Guests.Testing.BootSectorOptions]::new()
            foreach ($option in $Options.GetEnumerator()) { $guest.($option.Key) = $option.Value }
            [AzureIaaS.Guests.Testing.BootSectorGuest]::Create($file, $guest)
        }
        else { New-PartitionedImage $file }
        Get-Item $file
    }
}

function New-PartitionedImage {
    param([string]$Path)
    $disk = [byte[]]::new(1MB)
    [byte[]](0xEB, 0xFE) | ForEach-Object { $i = 0 } { $disk[$i++] = $_ }
    [byte[]](0x80, 0xFF, 0xFF, 0xFF, 0xDA, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0, 0x80, 0x07, 0, 0) | ForEach-Object { $i = 446 } { $disk[$i++] = $_ }
    ($disk[510], $disk[511]) = (0x55, 0xAA)
    [IO.File]::WriteAllBytes($Path, $disk)
}

<#
.SYNOPSIS
Makes flat VMDKs: a descriptor NAME.vmdk, and the guest's disk in a folder beside it.
#>
function New-TestVmdk {
    param([Parameter(Mandatory)][string[]]$Path, [hashtable]$Options = @{})
    foreach ($file in $Path) {
        $name = (Split-Path $file -LeafBase)
        $disk = New-TestImage (Join-Path (Split-Path $file) "extents/$name-flat.img") $Options
        @"
# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW $($disk.Length / 512) FLAT "extents/$($disk.Name)" 0
ddb.adapterType = "ide"
"@ | Set-Content $file
        Get-Item $file
    }
}

<#
.SYNOPSIS
Makes an image that takes seconds to import, whatever the disk's speed, and no room: a qcow2 of compressed clusters of 512 bytes, all of
them the same one, which holds zeros.
#>
function New-SlowImage {
    param([Parameter(Mandatory)][string]$Path, [long]$MegabytesPerCore = 256)
    $size = $MegabytesPerCore * 1MB * [Math]::Min(8, [Environment]::ProcessorCount)
    $cluster = 512
    $tables = $size / $cluster / ($cluster / 8)
    $l2 = $cluster + ($tables * 8)
    $data = $l2 + $cluster
    $file = [byte[]]::new($data + 2 * $cluster)
    Set-BigEndian $file 0 0x514649FB 4
    Set-BigEndian $file 4 2 4
    Set-BigEndian $file 20 9 4
    Set-BigEndian $file 24 $size 8
    Set-BigEndian $file 36 $tables 4
    Set-BigEndian $file 40 $cluster 8
    Set-BigEndian $file $cluster $l2 8
    for ($done = 8; $done -lt $tables * 8; $done *= 2) {
        [Array]::Copy($file, $cluster, $file, $cluster + $done, [Math]::Min($done, $tables * 8 - $done))
    }
    for ($at = $l2; $at -lt $data; $at += 8) { Set-BigEndian $file $at (0x4000000000000000 -bor $data) 8 }
    $packed = [IO.MemoryStream]::new()
    $deflate = [IO.Compression.DeflateStream]::new($packed, [IO.Compression.CompressionLevel]::Optimal, $true)
    $deflate.Write([byte[]]::new($cluster), 0, $cluster)
    $deflate.Dispose()
    $packed.ToArray().CopyTo($file, $data)
    [IO.File]::WriteAllBytes($Path, $file)
    Get-Item $Path
}

function Set-BigEndian {
    param([byte[]]$Bytes, [int]$At, [long]$Value, [int]$Count)
    for ($i = 0; $i -lt $Count; $i++) { $Bytes[$At + $i] = ($Value -shr (8 * ($Count - 1 - $i))) -band 0xFF }
}

function Get-BootCount {
    param([Parameter(Mandatory, ValueFromPipeline)]$Vm)
    process { [AzureIaaS.Guests.Testing.BootSectorGuest]::ReadBootCount($Vm.Disks[0].Path) }
}

# --- Shells ----------------------------------------------------------------------------------------------------------

<#
.SYNOPSIS
Runs a command in a new PowerShell with the module, and gives its output as text.
#>
function Invoke-Shell {
    param([Parameter(Mandatory)][string]$Command)
    & $PowerShellPath -NoLogo -NoProfile -NonInteractive -Command (Add-Import $Command) 2>&1 | ForEach-Object ToString
}

<#
.SYNOPSIS
Starts a new PowerShell with the module; its output goes to a file.
#>
function Start-Shell {
    param([Parameter(Mandatory)][string]$Command, [Parameter(Mandatory)][string]$OutputPath)
    $arguments = '-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes((Add-Import $Command)))
    Start-Process $PowerShellPath $arguments -PassThru -RedirectStandardOutput $OutputPath -RedirectStandardError "$OutputPath.errors"
}

function Add-Import {
    param([string]$Command)
    "`$ProgressPreference = 'SilentlyContinue'; `$PSStyle.OutputRendering = 'PlainText'; Import-Module '$ModulePath'; $Command"
}

<#
.SYNOPSIS
The processes of other programs that have a text in their command line.
#>
function Get-TestProcess {
    param([Parameter(Mandatory)][string]$Text)
    if (-not $IsLinux) { return }
    foreach ($folder in Get-ChildItem /proc -Directory | Where-Object { $_.Name -match '^\d+$' -and $_.Name -ne $PID }) {
        $line = try { [IO.File]::ReadAllText("$folder/cmdline") } catch { '' }   # it has ended meanwhile
        if ($line.Contains($Text)) { [pscustomobject]@{ Id = [int]$folder.Name; CommandLine = $line.Replace("`0", ' ') } }
    }
}

<#
.SYNOPSIS
Waits for a condition; the limit is for hangs, not for slowness.
#>
function Wait-Until {
    param([Parameter(Mandatory)][scriptblock]$Condition, [string]$What = "$Condition", [int]$Seconds = 60)
    $limit = [Diagnostics.Stopwatch]::StartNew()
    while (-not (& $Condition)) {
        if ($limit.Elapsed.TotalSeconds -gt $Seconds) { throw "Waited $Seconds s in vain: $What" }
        Start-Sleep -Milliseconds 20
    }
}

<#
.SYNOPSIS
Gives what a job has to give when it has ended; one that hangs is stopped, and fails the test.
#>
function Complete-Job {
    param([Parameter(Mandatory, ValueFromPipeline)][Management.Automation.Job]$Job, [int]$Seconds = 60)
    process {
        if (-not ($Job | Wait-Job -Timeout $Seconds)) {
            $Job | Stop-Job
            throw "The job has not ended within $Seconds s: $($Job.Command)"
        }
        $Job | Receive-Job -AutoRemoveJob -Wait
    }
}

# --- What is there, and what has changed -----------------------------------------------------------------------------

<#
.SYNOPSIS
Everything in a folder as lines: paths, and the digests of the files' contents; of a large disk, its size and when it was written.
#>
function Get-FolderState {
    param([Parameter(Mandatory)][string]$Path)
    Get-ChildItem $Path -Recurse -Force | Sort-Object FullName | ForEach-Object {
        $content = if ($_.PSIsContainer -or $_.Name -eq 'watcher.lock') { '' }   # a lock that these tests hold, see Lock-Watcher
        elseif ($_.Length -gt 16MB) { '{0} bytes, {1:o}' -f $_.Length, $_.LastWriteTimeUtc }
        else { (Get-FileHash -LiteralPath $_.FullName).Hash }
        "$($_.FullName) $content"
    }
}

<#
.SYNOPSIS
What an import can leave in a fabric: machines' and imports' folders.
#>
function Get-Leftover {
    param([string]$Path = (Get-IaaSContext | Where-Object IsCurrent).Path)
    # Where simulated machines are said to run is a folder of every simulated fabric.
    foreach ($folder in 'machines', 'imports', 'run') { Get-ChildItem (Join-Path $Path $folder) -Force -ErrorAction Ignore | Where-Object Name -NE .simulated }
    Get-ChildItem (Join-Path $Path run/.simulated) -Force -ErrorAction Ignore
}

<#
.SYNOPSIS
Runs something that must fail, and gives the error record.
#>
function Get-ErrorOf {
    param([Parameter(Mandatory)][scriptblock]$Command)
    try { & $Command | Out-Null }
    catch { return $_ }
    throw "It should have failed: $Command"
}

<#
.SYNOPSIS
Runs something that must be refused, and looks at the error's id, its category and what it says is to be done.
#>
function Assert-Refused {
    param([Parameter(Mandatory)][scriptblock]$Command, [string]$Id, [string]$Category, [string]$Remedy)
    $failure = Get-ErrorOf $Command
    $failure.FullyQualifiedErrorId | Should -BeLike "$Id,AzureIaaS.PowerShell.Commands.*"
    $failure.CategoryInfo.Category | Should -Be $Category
    $failure.ErrorDetails.RecommendedAction | Should -Match $Remedy
}

<#
.SYNOPSIS
Makes a certificate with a key of its own, issued by another one or by itself, which ends so many days from now.
#>
function New-TestCertificate {
    param([Parameter(Mandatory)][string]$Subject, [int]$Days, [Security.Cryptography.X509Certificates.X509Certificate2]$Issuer)
    $key = [Security.Cryptography.ECDsa]::Create([Security.Cryptography.ECCurve+NamedCurves]::nistP256)
    $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new($Subject, $key, 'SHA256')
    if ($Issuer) {
        $issued = $request.Create($Issuer, [DateTimeOffset]::UtcNow.AddDays(-3), [DateTimeOffset]::UtcNow.AddDays($Days), [byte[]](1, 2, 3))
        return [Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::CopyWithPrivateKey($issued, $key)
    }
    $request.CertificateExtensions.Add([Security.Cryptography.X509Certificates.X509BasicConstraintsExtension]::new($true, $false, 0, $true))
    $request.CreateSelfSigned([DateTimeOffset]::UtcNow.AddDays(-9), [DateTimeOffset]::UtcNow.AddDays($Days))
}

function New-TestRevocationList {
    param([Parameter(Mandatory)][Security.Cryptography.X509Certificates.X509Certificate2]$Issuer, [int]$Days, [Security.Cryptography.X509Certificates.X509Certificate2[]]$Revoked)
    $list = [Security.Cryptography.X509Certificates.CertificateRevocationListBuilder]::new()
    foreach ($certificate in $Revoked) { $list.AddEntry($certificate) }
    # A comma: the bytes as one object.
    , $list.Build($Issuer, 1, [DateTimeOffset]::UtcNow.AddDays($Days), 'SHA256', $null, [DateTimeOffset]::UtcNow.AddDays(-8))
}

Export-ModuleMember -Variable TestHome, RepositoryRoot, ModulePath, PowerShellPath -Function *-*
