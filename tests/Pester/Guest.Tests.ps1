# Failover, checkpoints, suspension, disks and pictures of real machines: the boot-sector guest under QEMU, which counts its boots on its disk.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    $noQemu = -not (Test-Qemu)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    if (-not (Test-Qemu)) { return }
    $fabric = (Enter-TestHome -Qemu).Path

    function New-Guest {
        param([string]$Name = 'web01')
        New-TestImage (Join-Path $TestHome "$Name.raw") | Import-IaaSVm -Memory 32MB
    }

    function Start-Guest {
        param([string]$Name = 'web01')
        New-Guest $Name | Start-IaaSVm -Wait -Pattern 'tick 1'
    }

    function Get-Qemu { Get-TestProcess $fabric | Where-Object CommandLine -Match '^\S*qemu' }

    function Get-LastTick {
        param($Vm = 'web01')
        $ticks = Get-IaaSVmConsole $Vm | Where-Object { $_ -match 'guest: tick (\d+)' } | ForEach-Object { [int]($_ -replace '\D') }
        $ticks | Select-Object -Last 1
    }

    function Get-BootNumber {
        param($Vm = 'web01')
        @(Get-IaaSVmConsole $Vm | Where-Object { $_ -match '^guest: boot (\d+)' } | ForEach-Object { $_ -replace '\D' })
    }
}

AfterAll { if (Test-Qemu) { Exit-TestHome } }

Describe 'A real machine' -Skip:$noQemu {
    AfterEach {
        Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false
        Resume-IaaSHost * | Out-Null
        Get-Qemu | Should -BeNullOrEmpty
    }

    It 'is rehearsed without being disturbed: its clone boots from its disk as it is' {
        $before = Start-Guest
        $process = $before.ProcessId
        $report = Get-IaaSVm | Invoke-IaaSFailover -Kind Test -Check SignOfLife, {
            param($vm)
            $seen = $vm | Wait-IaaSVm -For Console -Pattern 'guest: boot 2' -Timeout 60
            if ($seen.ProcessId -eq $using:process) { throw 'It is the machine itself.' }
            $seen.Name
        }
        $report.Outcome, $report.Checks.Outcome | Should -Be 'Succeeded', @('Succeeded', 'Succeeded')
        $report.Checks[1].Detail | Should -BeLike 'web01~*'
        $after = Get-IaaSVm web01
        $after.ProcessId | Should -Be $before.ProcessId
        Get-BootNumber | Should -Be 1
        $tick = Get-LastTick
        Wait-Until { (Get-LastTick) -gt $tick }
        @(Get-Qemu).Count | Should -Be 1
        Stop-IaaSVm web01 | Get-BootCount | Should -Be 1
    }

    It 'is taken to another host without a new boot, and goes on counting' {
        $before = Start-Guest
        $report = Invoke-IaaSFailover web01 -Kind Planned -Pattern 'tick'
        $report.Outcome, $report.RecoveryPoint | Should -Be 'Succeeded', 'live'
        $report.Downtime.TotalMilliseconds | Should -BeGreaterOrEqual 0
        $after = Get-IaaSVm web01
        $after.Host | Should -Be $report.TargetHost
        $after.Host | Should -Not -Be $before.Host
        $after.ProcessId | Should -Not -Be $before.ProcessId
        $tick = Get-LastTick
        Wait-Until { (Get-LastTick) -gt $tick }
        Get-BootNumber | Should -Be 1
        (Move-IaaSVm web01 $before.Host).Host | Should -Be $before.Host
        Get-BootNumber | Should -Be 1
    }

    It 'boots elsewhere from its own disk when its host is given up' {
        $before = Start-Guest
        $report = Invoke-IaaSFailover web01 -Kind Unplanned -Check Process, SignOfLife -Confirm:$false
        $report.Outcome, $report.SourceHost | Should -Be 'Succeeded', $before.Host
        Get-BootNumber | Should -Be 1, 2
        @(Get-Qemu).Count | Should -Be 1
    }

    It 'comes back elsewhere by itself when its host is lost' {
        'a', 'b' | ForEach-Object { New-Guest $_ } | Out-Null
        $hosts = (Get-IaaSHost).Name
        Suspend-IaaSHost $hosts[1], $hosts[2] | Out-Null
        $before = Start-IaaSVm a, b -Wait -Pattern 'tick 1'
        Resume-IaaSHost * | Out-Null
        (Stop-IaaSHost $hosts[0] -Force -Confirm:$false).State | Should -Be Down
        Get-Qemu | Where-Object Id -In $before.ProcessId | Should -BeNullOrEmpty -Because 'they have been seen gone'
        $after = Get-IaaSVm | Wait-IaaSVm -For Running -Timeout 60
        $after.Host | Should -Not -Contain $hosts[0]
        Wait-IaaSVm a, b -For Console -Pattern 'guest: boot 2' -Timeout 60 | Out-Null
        Wait-Until { @(Get-IaaSFailover a, b).Count -eq 2 }
        foreach ($report in Get-IaaSFailover a, b) {
            $report.Kind, $report.Outcome, $report.SourceHost | Should -Be 'Unplanned', 'Succeeded', $hosts[0]
            $report.Trigger | Should -Match 'was lost'
        }
    }

    It 'goes back to a checkpoint, with what was on its disk then' {
        Start-Guest | Stop-IaaSVm | Checkpoint-IaaSVm -CheckpointName 'after one boot' | Out-Null
        Start-IaaSVm web01 -Wait -Pattern 'guest: boot 2' | Stop-IaaSVm | Out-Null
        (Restore-IaaSVmCheckpoint web01 'after one boot' -Confirm:$false).State | Should -Be Deallocated
        Start-IaaSVm web01 -Wait -Pattern 'guest: boot 2' | Out-Null
        Get-BootNumber | Should -Be 1, 2, 2
        Get-IaaSVmCheckpoint web01 | Remove-IaaSVmCheckpoint
        (Get-IaaSVm web01).State | Should -Be Running
        Restart-IaaSVm web01 | Wait-IaaSVm -For Console -Pattern 'guest: boot 3' | Out-Null
        (Get-IaaSVmDisk web01).Path | Should -Exist
    }

    It 'goes back into the middle of its run with a checkpoint''s memory' {
        Start-Guest | Checkpoint-IaaSVm -CheckpointName midway -IncludeMemory | Out-Null
        $tick = Get-LastTick
        Wait-Until { (Get-LastTick) -gt $tick + 5 }
        Stop-IaaSVm web01 -Force | Restore-IaaSVmCheckpoint -CheckpointName midway -Confirm:$false | ForEach-Object State | Should -Be Suspended
        $length = @(Get-IaaSVmConsole web01).Count
        Resume-IaaSVm web01 | Out-Null
        Wait-Until { @(Get-IaaSVmConsole web01).Count -gt $length + 2 }
        Get-BootNumber | Should -Be 1
    }

    It 'is suspended to disk, and goes on counting where it was' {
        Start-Guest | Suspend-IaaSVm | ForEach-Object State | Should -Be Suspended
        Get-Qemu | Should -BeNullOrEmpty
        $tick = Get-LastTick
        (Resume-IaaSVm web01).State | Should -Be Running
        Wait-Until { (Get-LastTick) -gt $tick }
        Get-BootNumber | Should -Be 1
    }

    It 'gets a disk while it runs, and boots with it' {
        Start-Guest | Add-IaaSVmDisk -Size 8MB | ForEach-Object { $_.Disks[1].Controller } | Should -Be VirtioBlk
        $disk = Get-IaaSVmDisk web01 | Select-Object -Last 1
        (Get-Item $disk.Path).Length | Should -Be 8MB
        Get-BootNumber | Should -Be 1
        Restart-IaaSVm web01 | Wait-IaaSVm -For Console -Pattern 'guest: boot 2' | Stop-IaaSVm | Out-Null
        ($disk | Remove-IaaSVmDisk -Confirm:$false).Disks.Name | Should -Be disk0
        $disk.Path | Should -Not -Exist
        Start-IaaSVm web01 -Wait -Pattern 'guest: boot 3' | Get-BootCount | Should -Be 3
    }

    It 'shows its display, in a file of one''s own choice or in a folder' {
        'a', 'b' | ForEach-Object { Start-Guest $_ | Out-Null }
        $folder = (New-Item -ItemType Directory (Join-Path $TestHome pictures)).FullName
        $files = Get-IaaSVm | Get-IaaSVmScreenshot -Path $folder
        $files | Should -BeOfType ([IO.FileInfo])
        $files.Name | Should -Be 'a.png', 'b.png'
        foreach ($file in $files) { [Convert]::ToHexString([IO.File]::ReadAllBytes($file.FullName)[0..7]) | Should -Be '89504E470D0A1A0A' -Because 'it is a PNG' }
        (Get-IaaSVmScreenshot a "$folder/login [1].png").Name | Should -Be 'login [1].png'
        Push-Location $folder
        try { (Get-IaaSVmScreenshot b).FullName | Should -Be (Join-Path $folder b.png) }
        finally { Pop-Location }
        $made = Get-IaaSVmScreenshot a, b "$folder/one.png" -ErrorAction SilentlyContinue -ErrorVariable failures
        $made.Name | Should -Be one.png
        $failures.FullyQualifiedErrorId | Should -BeLike 'SeveralPicturesOneFile,*'
        Assert-Refused { Get-IaaSVmScreenshot a "$folder/none/x.png" -ErrorAction Stop } FolderNotFound ObjectNotFound '-Path'
        Stop-IaaSVm a -Force | Out-Null
        Assert-Refused { Get-IaaSVmScreenshot a -Path $folder -ErrorAction Stop } VmStateForbids InvalidOperation 'Start-IaaSVm'
    }

    It 'without an agent runs no command, and says what is missing' {
        Start-Guest | Out-Null
        Assert-Refused { Invoke-IaaSVmCommand web01 'uname -a' -ErrorAction Stop } NoGuestAgent NotInstalled 'qemu-guest-agent'
        Assert-Refused { Invoke-IaaSVmCommand web01 -FilePath /bin/true -ErrorAction Stop } NoGuestAgent NotInstalled 'qemu-guest-agent'
        Stop-IaaSVm web01 -Force | Out-Null
        Assert-Refused { Invoke-IaaSVmCommand web01 id -ErrorAction Stop } VmStateForbids InvalidOperation 'Start-IaaSVm'
        { Invoke-IaaSVmCommand web01 -Command id -FilePath /bin/id } | Should -Throw -ErrorId 'AmbiguousParameterSet*'
    }
}
