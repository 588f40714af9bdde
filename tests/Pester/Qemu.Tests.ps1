# Real machines: the boot-sector guest under QEMU.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    $noQemu = -not (Test-Qemu)
    $noImageTool = $noQemu -or -not (Get-Command qemu-img -ErrorAction Ignore)
    $noMount = $noQemu -or -not (Test-Mount)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    if (-not (Test-Qemu)) { return }
    $fabric = (Enter-TestHome -Qemu).Path

    function New-Guest {
        param([string]$Name, [hashtable]$Options = @{})
        New-TestImage (Join-Path $TestHome "$Name.raw") $Options | Import-IaaSVm -Memory 32MB
    }

    function Get-Qemu { Get-TestProcess $fabric | Where-Object CommandLine -Match '^\S*qemu' }
}

AfterAll { if (Test-Qemu) { Exit-TestHome } }

Describe 'A real machine' -Skip:$noQemu {
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'counts its boots on its disk, over stops and starts' {
        $vm = New-Guest web01 | Start-IaaSVm -Wait
        $vm.State, $vm.BootVerified, $vm.BootEvidence | Should -Be 'Running', $true, 'its console said: guest: boot 1'
        $vm.ProcessId | Should -Be (Get-Qemu).Id
        $vm = Stop-IaaSVm web01
        $vm.State | Should -Be Deallocated
        Get-Qemu | Should -BeNullOrEmpty
        $vm | Get-BootCount | Should -Be 1
        (Start-IaaSVm web01 -Wait -Pattern 'ready').BootEvidence | Should -Match 'guest: ready'
        Get-IaaSVm web01 | Get-BootCount | Should -Be 2
        Get-IaaSVmConsole web01 | Where-Object { $_ -match 'power button' } | Should -Be 'guest: power button'
    }

    It 'is restarted, and has booted exactly twice then' {
        New-Guest web01 | Start-IaaSVm -Wait -Pattern ready | Restart-IaaSVm | Wait-IaaSVm -For Console -Pattern ready | Get-BootCount | Should -Be 2
        Restart-IaaSVm web01 -Force | Wait-IaaSVm -For Console -Pattern ready | Get-BootCount | Should -Be 3
    }

    It 'that hears no power button is said to run still, and loses its power with -Force' {
        New-Guest deaf @{ IgnorePowerButton = $true } | Start-IaaSVm -Wait -Pattern ready | Out-Null
        $failure = Get-ErrorOf { Stop-IaaSVm deaf -Timeout 1 -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Be 'ShutdownTimeout,AzureIaaS.PowerShell.Commands.StopVmCommand'
        $failure.CategoryInfo.Category | Should -Be OperationTimeout
        $failure.ErrorDetails.RecommendedAction | Should -Match '-Force'
        $vm = Get-IaaSVm deaf
        $vm.State | Should -Be Running
        (Stop-IaaSVm deaf -Force).State | Should -Be Deallocated
        Get-Qemu | Should -BeNullOrEmpty
    }

    It 'that powers itself off is Stopped, with the reason' {
        New-Guest short @{ PowersOffAfterTicks = 1 } | Start-IaaSVm | Out-Null
        $vm = Wait-IaaSVm short -For Stopped
        $vm.State | Should -Be Stopped
        $vm.StateReason | Should -Match 'powered itself off'
        (Start-IaaSVm short -Wait -Pattern ready | Get-BootCount) | Should -Be 2
    }

    It 'that panics is Failed, with the reason' {
        New-Guest panic @{ PanicsAfterTicks = 1 } | Start-IaaSVm | Out-Null
        $vm = Wait-IaaSVm panic -For Stopped
        $vm.State | Should -Be Failed
        $vm.StateReason | Should -Match 'panicked'
    }

    It 'whose QEMU is killed boots from its disk again by itself, and says why' {
        $vm = New-Guest victim | Start-IaaSVm -Wait -Pattern ready
        kill -9 $vm.ProcessId
        Wait-Until { (Get-IaaSVm victim).State -ne 'Running' -or (Get-IaaSVm victim).ProcessId -ne $vm.ProcessId }
        (Get-IaaSVm victim).State | Should -BeIn Healing, Starting, Running
        Wait-Until { (Get-IaaSVm victim).State -eq 'Running' }
        Wait-IaaSVm victim -For Console -Pattern ready | Get-BootCount | Should -Be 2
        @(Get-Qemu).Count | Should -Be 1
    }

    It 'whose QEMU is halted is Unknown, and Running when it goes on' {
        $vm = New-Guest frozen | Start-IaaSVm -Wait -Pattern ready
        kill -STOP $vm.ProcessId
        try { (Get-IaaSVm frozen).State | Should -Be Unknown }
        finally { kill -CONT $vm.ProcessId }
        Wait-Until { (Get-IaaSVm frozen).State -eq 'Running' }
        Get-IaaSVm frozen | Get-BootCount | Should -Be 1
    }

    It 'says nothing, and that is no failure' {
        $vm = New-Guest silent @{ SilentConsole = $true } | Start-IaaSVm -Wait -Timeout 1 -WarningVariable warnings -WarningAction SilentlyContinue
        $vm.State, $vm.BootVerified | Should -Be 'Running', $false
        "$warnings" | Should -Match 'a sign of life was not seen within 1 s. Its console has said nothing'
        Wait-Until { (Get-IaaSVm silent | Get-BootCount) -eq 1 }
    }

    It 'never gets a second process, however many start it at once' {
        New-Guest race | Out-Null
        $started = 1..4 | ForEach-Object -Parallel { Import-Module $using:ModulePath; Start-IaaSVm race } -ThrottleLimit 4
        $started.State | Select-Object -Unique | Should -Be Running
        @($started.ProcessId | Select-Object -Unique).Count | Should -Be 1
        @(Get-Qemu).Count | Should -Be 1
        Wait-IaaSVm race -For Console -Pattern ready | Get-BootCount | Should -Be 1
    }

    It 'whose start is stopped is taken down again, or runs: never something between' {
        New-Guest cut | Out-Null
        $shell = [powershell]::Create()
        $running = $shell.AddScript("Import-Module '$ModulePath'; Start-IaaSVm cut").BeginInvoke()
        Wait-Until { $running.IsCompleted -or (Get-IaaSVm cut).State -ne 'Deallocated' }
        $shell.Stop()
        Wait-Until { $running.IsCompleted }
        $shell.Dispose()
        (Get-IaaSVm cut).State | Should -BeIn Running, Deallocated
        @(Get-Qemu).Count | Should -Be ((Get-IaaSVm cut).State -eq 'Running' ? 1 : 0)
    }

    It 'passes several through a pipeline, and follows a console' {
        foreach ($name in 'a', 'b', 'c') { New-Guest $name | Out-Null }
        $all = Get-IaaSVm | Start-IaaSVm -Wait -Pattern 'tick 1'
        $all.State | Select-Object -Unique | Should -Be Running
        @(Get-IaaSVmConsole b -Wait | Where-Object { $_ -match 'tick' } | Select-Object -First 3).Count | Should -Be 3
        (Get-IaaSVm | Stop-IaaSVm).State | Select-Object -Unique | Should -Be Deallocated
        (Get-IaaSVm | Get-BootCount) | Should -Be 1, 1, 1
    }

    It 'asks more memory than there is and is refused, unless one insists' {
        New-Guest huge | Remove-IaaSVm -Confirm:$false
        $vm = Get-Item (Join-Path $TestHome huge.raw) | Import-IaaSVm -Memory 16TB
        $failure = Get-ErrorOf { $vm | Start-IaaSVm -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Match '^(NoHostFits|NotEnoughMemory),'
        $failure.CategoryInfo.Category | Should -Be LimitsExceeded
        $failure.ErrorDetails.RecommendedAction | Should -Match '-Overcommit'
        (Get-IaaSVm huge).State | Should -Be Deallocated
    }
}

Describe 'An image made by qemu-img as <Format> <Kind>' -Skip:$noImageTool -ForEach @(
    @{ Format = 'vmdk'; Kind = 'streamOptimized'; Extension = 'vmdk'; Option = 'subformat=streamOptimized' }
    @{ Format = 'vmdk'; Kind = 'monolithicSparse'; Extension = 'vmdk'; Option = 'subformat=monolithicSparse' }
    @{ Format = 'vhdx'; Kind = 'dynamic'; Extension = 'vhdx'; Option = 'subformat=dynamic' }
    @{ Format = 'vpc'; Kind = 'dynamic'; Extension = 'vhd'; Option = 'subformat=dynamic' }
    @{ Format = 'qcow2'; Kind = 'v3'; Extension = 'qcow2'; Option = 'compat=1.1' }
) {
    It 'boots' {
        $raw = (New-TestImage (Join-Path $TestHome formats/guest.raw)).FullName
        $image = Join-Path $TestHome "formats/$Format-$Kind.$Extension"
        qemu-img convert -O $Format -o $Option $raw $image
        (Get-IaaSImage $image).Variant | Should -Be $Kind
        $vm = Get-Item $image | Import-IaaSVm -Memory 32MB | Start-IaaSVm -Wait -Pattern ready
        $vm.Name | Should -Be "$Format-$Kind"
        $vm | Get-BootCount | Should -Be 1
        $vm | Remove-IaaSVm -Force -Confirm:$false
    }
}

Describe 'A machine whose disk is full' -Skip:$noMount {
    BeforeAll {
        $small = (New-Item -ItemType Directory (Join-Path $TestHome small)).FullName
        mount -t tmpfs -o 'size=16m,mode=700' tmpfs $small
        New-TestFabric (Join-Path $small fabric) -Name small -Qemu | Out-Null
    }

    AfterAll {
        try {
            Get-IaaSVm -Context small | Remove-IaaSVm -Force -Confirm:$false
            Disconnect-IaaS small | Out-Null
            Connect-IaaS -Path $fabric -Name test | Out-Null
        }
        finally {
            Get-TestProcess $small | ForEach-Object { Stop-Process -Id $_.Id -Force -ErrorAction Ignore }
            umount -l $small
        }
    }

    It 'is Paused, says so, and goes on by Resume-IaaSVm when there is room' {
        $image = New-TestImage (Join-Path $TestHome filler.raw) @{ FillsDisk = $true }
        # On virtio: an IDE disk sometimes reports one error to the guest as it goes on (docs/fabric.md).
        $vm = Import-IaaSVm $image.FullName -Memory 32MB -DiskController VirtioBlk
        $ballast = Join-Path $small ballast
        # Less room than the guest is going to write.
        $blocks = [Math]::Floor(([IO.DriveInfo]::new($small).AvailableFreeSpace - 512KB) / 64KB)
        dd if=/dev/zero "of=$ballast" bs=64k "count=$blocks" 2>$null
        $vm | Start-IaaSVm | Out-Null
        Wait-Until { (Get-IaaSVm filler).State -eq 'Paused' }
        (Get-IaaSVm filler).StateReason | Should -Match 'is full. Make room'
        $failure = Get-ErrorOf { Resume-IaaSVm filler -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Match '^(DiskStillFull|StateDiskFull),'
        $failure.CategoryInfo.Category | Should -Be LimitsExceeded
        Remove-Item $ballast
        (Resume-IaaSVm filler).State | Should -Be Running
        Wait-IaaSVm filler -For Console -Pattern 'filled' | Get-BootCount | Should -Be 1
    }
}

Describe 'Where QEMU' -Skip:$noQemu {
    BeforeAll {
        $path = $env:PATH
        New-Guest web01 | Out-Null
        $programs = (New-Item -ItemType Directory (Join-Path $TestHome programs)).FullName

        function New-FakeQemu {
            param([string]$Script)
            "#!/bin/sh`n$Script" | Set-Content (Join-Path $programs qemu-system-x86_64)
            chmod +x (Join-Path $programs qemu-system-x86_64)
            $env:PATH = "$programs$([IO.Path]::PathSeparator)$path"
        }

        function Assert-NotStarted {
            param([string]$Id, [string]$Category, [string]$Says, [string]$Remedy)
            $failure = Get-ErrorOf { Start-IaaSVm web01 -ErrorAction Stop }
            $failure.FullyQualifiedErrorId | Should -Be "$Id,AzureIaaS.PowerShell.Commands.StartVmCommand"
            $failure.CategoryInfo.Category | Should -Be $Category
            $failure.ToString() | Should -Match $Says
            $failure.ErrorDetails.RecommendedAction | Should -Match $Remedy
            $vm = Get-IaaSVm web01
            $vm.State, $vm.ProcessId | Should -Be 'Deallocated', $null
            Get-Qemu | Should -BeNullOrEmpty
            Get-Leftover | Where-Object Name -Like '*.pid' | Should -BeNullOrEmpty
        }
    }

    AfterEach { $env:PATH = $path }
    AfterAll { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'is not installed, that is said, and how to install it' {
        $env:PATH = $programs
        Assert-NotStarted QemuNotInstalled NotInstalled 'was not found' 'apt install qemu-system-x86'
    }

    It 'dies at once, its last words are given' {
        New-FakeQemu 'case "$2" in help) echo "pc Standard PC (alias of pc-i440fx-7.2)"; exit 0;; esac; echo "no luck today" >&2; exit 3'
        Assert-NotStarted QemuDied DeviceError 'ended as soon as it was started. It said: .*no luck today' 'qemu.log'
    }

    It 'does not work at all, that is said' {
        New-FakeQemu 'echo "libfoo.so: cannot open" >&2; exit 127'
        Assert-NotStarted QemuUnusable DeviceError 'cannot open' "'-machine help'"
    }

    It 'is back, the machine starts' { (Start-IaaSVm web01 -Wait).State | Should -Be Running }
}
