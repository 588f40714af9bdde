# Files in, machines out: from paths, files, images, and rows of a CSV file.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'Get-IaaSImage' {
    BeforeAll {
        $images = Join-Path $TestHome images
        New-TestImage (Join-Path $images a.raw), (Join-Path $images 'b [1].img') | Out-Null
        New-TestVmdk (Join-Path $images c.vmdk) | Out-Null
    }

    It 'says what a file is, and every file it consists of' {
        $image = Get-IaaSImage (Join-Path $images c.vmdk)
        $image | Should -BeOfType AzureIaaS.Imports.ImageInfo
        $image.Format, $image.Variant, $image.Length | Should -Be 'vmdk', 'monolithicFlat', 1MB
        $image.PartitionScheme, $image.PartitionCount, $image.Firmware | Should -Be 'Mbr', 1, 'Bios'
        $image.Files.Path | Split-Path -Leaf | Should -Be 'c.vmdk', 'c-flat.img'
    }

    It 'takes patterns, several paths, and files on the pipeline' {
        (Get-IaaSImage (Join-Path $images '*.*')).Count | Should -Be 3
        (Get-IaaSImage (Join-Path $images a.raw), (Join-Path $images c.vmdk)).Format | Should -Be 'raw', 'vmdk'
        (Get-ChildItem $images -File | Get-IaaSImage).Count | Should -Be 3
        (Join-Path $images a.raw | Get-IaaSImage).Format | Should -Be 'raw'
    }

    It 'takes a path literally when told to' {
        (Get-IaaSImage -LiteralPath (Join-Path $images 'b [1].img')).Format | Should -Be 'raw'
        (Get-Item -LiteralPath (Join-Path $images 'b [1].img') | Get-IaaSImage).Format | Should -Be 'raw'
        Get-IaaSImage (Join-Path $images 'b [1].img') | Should -BeNullOrEmpty
    }

    It 'takes paths as PowerShell has them' {
        New-PSDrive IaaSTest -PSProvider FileSystem -Root $images -Scope Global | Out-Null
        try { (Get-IaaSImage IaaSTest:/a.raw).Path | Should -Be (Join-Path $images a.raw) }
        finally { Remove-PSDrive IaaSTest -Scope Global }
        Push-Location $images
        try { (Get-IaaSImage ./a.raw).Path | Should -Be (Join-Path $images a.raw) }
        finally { Pop-Location }
    }

    It 'goes on after a file that is none' {
        $found = Get-IaaSImage $PSCommandPath, (Join-Path $images a.raw) -ErrorAction SilentlyContinue -ErrorVariable failure
        $found.Format | Should -Be 'raw'
        $failure.FullyQualifiedErrorId | Should -BeLike 'DiskImageUnrecognised,*'
    }

    It 'needs no fabric' -Skip:(-not $IsLinux) {
        Get-IaaSImage (Join-Path $images a.raw) -Context test | Should -Not -BeNullOrEmpty
        Invoke-Shell "`$env:XDG_DATA_HOME = '$TestHome/unused'; `$env:XDG_CONFIG_HOME = '$TestHome/unused'; (Get-IaaSImage '$images/a.raw').Format" | Should -Be 'raw'
        "$TestHome/unused" | Should -Not -Exist
    }
}

Describe 'Import-IaaSVm' {
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'makes a machine, whole and stopped' {
        $file = New-TestImage (Join-Path $TestHome one/web01.raw)
        $vm = Import-IaaSVm $file.FullName -Memory 96MB -Cpu 2 -Tag @{ Role = 'web'; Tier = 1 }
        $vm | Should -BeOfType AzureIaaS.VirtualMachine
        $vm.Name, $vm.State, $vm.Cpu, $vm.Memory, $vm.Firmware, $vm.Context | Should -Be 'web01', 'Deallocated', 2, 96MB, 'Bios', 'test'
        $vm.Tags['Role'], $vm.Tags['Tier'] | Should -Be 'web', '1'
        $vm.Origin.Path, $vm.Origin.Format | Should -Be $file.FullName, 'raw'
        $vm.Disks[0].Length | Should -Be 1MB
        (Get-FileHash $vm.Disks[0].Path).Hash | Should -Be (Get-FileHash $file).Hash
        $vm.Disks[0].Digest | Should -Not -BeNullOrEmpty
        $vm.NetworkAdapters[0].MacAddress | Should -Match '^52:54:00(:[0-9a-f]{2}){3}$'
        Compare-Object $vm (Get-IaaSVm web01) -Property Id, Name, State, Cpu, Memory, Firmware | Should -BeNullOrEmpty
    }

    It 'never writes to its source' {
        $file = New-TestImage (Join-Path $TestHome two/web01.raw)
        $file.IsReadOnly = $true
        $before = Get-FolderState (Join-Path $TestHome two)
        Import-IaaSVm $file.FullName | Start-IaaSVm | Stop-IaaSVm | Out-Null
        Get-FolderState (Join-Path $TestHome two) | Should -Be $before
    }

    It 'names machines by the files'' base names when files come on the pipeline' {
        New-TestVmdk (Join-Path $TestHome farm/web01.vmdk), (Join-Path $TestHome farm/web.02.vmdk) | Out-Null
        (Get-ChildItem "$TestHome/farm/*.vmdk" | Import-IaaSVm).Name | Sort-Object | Should -Be 'web.02', 'web01'
    }

    It 'takes whole images from Get-IaaSImage' {
        New-TestVmdk (Join-Path $TestHome seen/web01.vmdk), (Join-Path $TestHome seen/web02.vmdk) | Out-Null
        $made = Get-IaaSImage "$TestHome/seen/*.vmdk" | Where-Object Firmware -EQ Bios | Import-IaaSVm -Memory 64MB
        $made.Name | Should -Be 'web01', 'web02'
        $made.Memory | Should -Be 64MB, 64MB
    }

    It 'takes a name typed, by position' {
        $file = New-TestImage (Join-Path $TestHome three/disk.raw)
        (Import-IaaSVm $file.FullName front).Name | Should -Be 'front'
        ($file | Import-IaaSVm -Name back).Name | Should -Be 'back'
        ($file | Import-IaaSVm -Name disk.raw).Name | Should -Be 'disk.raw'
    }

    It 'refuses one name for several files, and imports none' {
        New-TestImage (Join-Path $TestHome four/a.raw), (Join-Path $TestHome four/b.raw) | Out-Null
        $failure = Get-ErrorOf { Import-IaaSVm "$TestHome/four/*.raw" -Name both }
        $failure.FullyQualifiedErrorId | Should -BeLike 'OneNameForMany,*'
        $failure.CategoryInfo.Category | Should -Be InvalidArgument
        Get-IaaSVm | Should -BeNullOrEmpty
    }

    It 'makes a farm from a CSV file, empty cells being what was left out' {
        New-TestImage (Join-Path $TestHome csv/a.raw), (Join-Path $TestHome csv/b.raw), (Join-Path $TestHome csv/c.raw), (Join-Path $TestHome csv/d.raw) | Out-Null
        @'
Path,Name,Memory,Cpu
a.raw,web01,512MB,2
b.raw,,256MB,
c.raw,db01,,4
d.raw,,,
'@ | Set-Content "$TestHome/csv/farm.csv"
        Push-Location "$TestHome/csv"
        try { $started = Import-Csv farm.csv | Import-IaaSVm | Start-IaaSVm }
        finally { Pop-Location }
        $started.State | Should -Be Running, Running, Running, Running
        $started.Name | Should -Be 'web01', 'b', 'db01', 'd'
        $started.Memory | Should -Be 512MB, 256MB, 1GB, 1GB
        $started.Cpu | Should -Be 2, 1, 4, 1
    }

    It 'takes the columns <Columns>' -ForEach @(
        @{ Columns = 'Path,Firmware'; Row = 'x.raw,Uefi'; Property = 'Firmware'; Value = 'Uefi' }
        @{ Columns = 'FullName,DiskController'; Row = 'x.raw,Nvme'; Property = { $_.Disks[0].Controller }; Value = 'Nvme' }
        @{ Columns = 'Path,AvailabilitySet'; Row = 'x.raw,front'; Property = 'AvailabilitySet'; Value = 'front' }
        @{ Columns = 'Path,StartOrder'; Row = 'x.raw,7'; Property = 'StartOrder'; Value = 7 }
        @{ Columns = 'Path,Format'; Row = 'x.raw,raw'; Property = { $_.Origin.Format }; Value = 'raw' }
        @{ Columns = 'Path,Memory'; Row = 'x.raw,1.5GB'; Property = 'Memory'; Value = 1536MB }
        @{ Columns = 'Path,Memory'; Row = 'x.raw,536870912'; Property = 'Memory'; Value = 512MB }
    ) {
        New-TestImage (Join-Path $TestHome columns/x.raw) | Out-Null
        Push-Location "$TestHome/columns"
        try { $vm = "$Columns`n$Row" | ConvertFrom-Csv | Import-IaaSVm }
        finally { Pop-Location }
        $vm | ForEach-Object $Property | Should -Be $Value
    }

    It 'goes on after a row that fails' {
        New-TestImage (Join-Path $TestHome rows/a.raw) | Out-Null
        $rows = "Path,Name,Memory", "$TestHome/rows/none.raw,x,", "$TestHome/rows/a.raw,y,much", "$TestHome/rows/a.raw,z," | ConvertFrom-Csv
        $made = $rows | Import-IaaSVm -ErrorAction SilentlyContinue -ErrorVariable failures
        $made.Name | Should -Be 'z'
        $failures.Count | Should -Be 2
        "$failures" | Should -Match "'much' is not a size"
    }

    It 'imports several at once' {
        1..6 | ForEach-Object { New-TestImage (Join-Path $TestHome "many/vm$_.raw") } | Out-Null
        (Get-ChildItem "$TestHome/many" | Import-IaaSVm -ThrottleLimit 4).Count | Should -Be 6
        (Get-IaaSVm).Name | Should -Be (1..6 | ForEach-Object { "vm$_" })
    }

    It 'leaves the digest out when told to' {
        $file = New-TestImage (Join-Path $TestHome five/web01.raw)
        (Import-IaaSVm $file.FullName -SkipDigest).Disks[0].Digest | Should -BeNullOrEmpty
    }

    It 'shows the steps as progress' {
        $file = New-TestImage (Join-Path $TestHome six/web01.raw)
        $shell = [powershell]::Create()
        $shell.AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$file'").Invoke() | Out-Null
        $steps = $shell.Streams.Progress | Where-Object Activity -EQ 'Import-IaaSVm'
        $steps.StatusDescription | Should -Contain 'Looking at web01.raw'
        $steps.StatusDescription | Should -Contain 'copy'
        $steps.StatusDescription | Should -Contain 'Copying web01.raw (raw, 1 MB)'
        $steps[-1].RecordType | Should -Be Completed
        $shell.Dispose()
    }

    It 'warns of what is odd and accepted' {
        $file = New-TestImage (Join-Path $TestHome seven/odd.raw)
        $bytes = [IO.File]::ReadAllBytes($file)
        for ($i = 0; $i -lt 440; $i++) { $bytes[$i] = 0 }
        [IO.File]::WriteAllBytes($file, $bytes)
        Import-IaaSVm $file.FullName -WarningVariable warnings -WarningAction SilentlyContinue | Out-Null
        "$warnings" | Should -Match 'No boot loader was seen'
    }

    It 'refuses <What>, and leaves nothing' -ForEach @(
        @{ What = 'memory that must be meant in megabytes'; Arguments = @{ Memory = 512 }; Id = 'InvalidMemorySize'; Says = 'Perhaps 512MB was meant' }
        @{ What = 'no memory'; Arguments = @{ Memory = 0 }; Id = 'InvalidMemorySize'; Says = '-Memory 512MB' }
        @{ What = 'no processor'; Arguments = @{ Cpu = 0 }; Id = 'InvalidCpuCount'; Says = '-Cpu' }
        @{ What = 'a name with a slash'; Arguments = @{ Name = 'a/b' }; Id = 'InvalidVmName'; Says = '-Name' }
        @{ What = 'a name with a wildcard'; Arguments = @{ Name = 'web*' }; Id = 'InvalidVmName'; Says = '-Name' }
        @{ What = 'a name that is an id'; Arguments = @{ Name = '{0}' -f (New-Guid) }; Id = 'InvalidVmName'; Says = '-Name' }
        @{ What = 'a format that is none'; Arguments = @{ Format = 'floppy' }; Id = 'UnknownFormatName'; Says = 'vhdx' }
    ) {
        $file = New-TestImage (Join-Path $TestHome bad/web01.raw)
        $failure = Get-ErrorOf { Import-IaaSVm $file.FullName @Arguments -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Be "$Id,AzureIaaS.PowerShell.Commands.ImportVmCommand"
        $failure.CategoryInfo.Category | Should -Be InvalidArgument
        $failure.ErrorDetails.RecommendedAction | Should -Match ([regex]::Escape($Says))
        Get-IaaSVm | Should -BeNullOrEmpty
        Get-IaaSOperation | Should -BeNullOrEmpty
        Get-Leftover | Should -BeNullOrEmpty
    }

    It 'refuses a size that is none before it looks at anything' {
        { Import-IaaSVm /nowhere -Memory '12 apples' } | Should -Throw '*not a size*'
    }

    It 'refuses a name that is taken, in any case, and leaves the other alone' {
        $file = New-TestImage (Join-Path $TestHome taken/web01.raw)
        $first = Import-IaaSVm $file.FullName
        $failure = Get-ErrorOf { Import-IaaSVm $file.FullName -Name WEB01 -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'VmNameTaken,*'
        $failure.CategoryInfo.Category | Should -Be ResourceExists
        $failure.TargetObject | Should -Be 'WEB01'
        (Get-IaaSVm).Id | Should -Be $first.Id
        @(Get-Leftover).Count | Should -Be 1
    }

    It 'refuses what is no file of a file system' {
        $failure = Get-ErrorOf { Import-IaaSVm Env:PATH -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'NotAFilePath,*'
    }
}

Describe 'Import-IaaSVm of what other tools show' {
    BeforeAll {
        $folder = Join-Path $TestHome shown
        New-TestImage (Join-Path $folder os.raw), (Join-Path $folder data.raw), (Join-Path $folder store1/erp/erp.raw) | Out-Null
        class ShownDrive { [string] $Path; [string] $ControllerType; [int] $ControllerNumber; [int] $ControllerLocation }
        class ShownVm { [string] $Name; [string] $Path; [string] $State; [int] $ProcessorCount; [long] $MemoryStartup; [int] $Generation; [ShownDrive[]] $HardDrives; [object[]] $NetworkAdapters }
        $hyperV = [ShownVm]@{
            Name = 'shown1'; Path = $folder; State = 'Off'; ProcessorCount = 2; MemoryStartup = 1GB; Generation = 2
            HardDrives = [ShownDrive]@{ Path = "$folder/data.raw"; ControllerType = 'SCSI'; ControllerLocation = 1 }, [ShownDrive]@{ Path = "$folder/os.raw"; ControllerType = 'SCSI' }
            NetworkAdapters = [pscustomobject]@{ MacAddress = '00155D010203'; SwitchName = 'LAN' }
        }
    }

    It 'takes a machine of Hyper-V' {
        $vm = $hyperV | Import-IaaSVm
        $vm.Name, $vm.Cpu, $vm.Memory, $vm.Firmware | Should -Be 'shown1', 2, 1GB, 'Uefi'
        $vm.Disks.SourcePath | Should -Be "$folder/os.raw", "$folder/data.raw"
        $vm.NetworkAdapters.MacAddress | Should -Be '00:15:5d:01:02:03'
    }

    It 'takes an object of the same shape, and a hashtable' {
        $vm = [pscustomobject]@{ Name = 'shown2'; ProcessorCount = 1; MemoryStartup = 512MB; Generation = 1; HardDrives = [pscustomobject]@{ Path = "$folder/os.raw"; ControllerType = 'IDE' } } | Import-IaaSVm
        $vm.Name, $vm.Memory, $vm.Firmware, $vm.Disks[0].Controller | Should -Be 'shown2', 512MB, 'Bios', 'Ide'
        $vm = @{ Name = 'shown3'; Cpu = 3; Memory = '256MB'; HardDrives = "$folder/os.raw" }, [ordered]@{ Name = 'shown4'; HardDrives = "$folder/os.raw" } | Import-IaaSVm
        $vm.Name | Should -Be 'shown3', 'shown4'
        $vm[0].Cpu, $vm[0].Memory | Should -Be 3, 256MB
    }

    It 'takes a machine of PowerCLI, by its drives or by what is beneath' {
        $disk = [pscustomobject]@{ Filename = '[store1] erp/erp.raw' }
        $nic = [pscustomobject]@{ MacAddress = '00:50:56:01:02:03'; NetworkName = 'VM Network'; Type = 'Vmxnet3' }
        $vm = [pscustomobject]@{ Name = 'shown5'; NumCpu = 4; MemoryMB = 2048; PowerState = 'PoweredOff'; HardDisks = $disk; NetworkAdapters = $nic } | Import-IaaSVm -Root $folder
        $vm.Cpu, $vm.Memory, $vm.NetworkAdapters[0].Model | Should -Be 4, 2GB, 'vmxnet3'
        $devices = @{ Backing = @{ FileName = '[store1] erp/erp.raw' } }, @{ MacAddress = '00:50:56:01:02:04'; Backing = @{ DeviceName = 'LAN' } }, @{ Backing = @{ FileName = '[store1] iso/x.iso' } }
        $vm = [pscustomobject]@{ Name = 'shown6'; NumCpu = 1; MemoryGB = 0.5; ExtensionData = @{ Config = @{ Firmware = 'efi'; Hardware = @{ Device = $devices } } } } | Import-IaaSVm -Root $folder
        $vm.Memory, $vm.Firmware, $vm.Disks.Count, $vm.NetworkAdapters.MacAddress | Should -Be 512MB, 'Uefi', 1, '00:50:56:01:02:04'
        { [pscustomobject]@{ Name = 'none'; HardDisks = $disk } | Import-IaaSVm -ErrorAction Stop } | Should -Throw -ErrorId 'DatastoreNotHere,*'
    }

    It 'refuses one that runs, but stages it' {
        $hyperV.State = 'Running'
        $hyperV.Name = 'shown7'
        { $hyperV | Import-IaaSVm -ErrorAction Stop } | Should -Throw -ErrorId 'SourceIsRunning,*'
        $hyperV | Import-IaaSVm -Stage | Should -Not -BeNullOrEmpty
        (Complete-IaaSVmImport shown7).Disks.Count | Should -Be 2
    }

    It 'refuses one without a disk' {
        { @{ Name = 'none'; HardDrives = @() } | Import-IaaSVm -ErrorAction Stop } | Should -Throw -ErrorId 'NoDisks,*'
        { [pscustomobject]@{ Name = 'none' } | Import-IaaSVm -ErrorAction Stop } | Should -Throw
    }
}
