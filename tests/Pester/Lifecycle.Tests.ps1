# Starting, stopping, restarting and removing, on simulated machines: what is decided is decided before the hypervisor.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $image = (New-TestImage (Join-Path $TestHome image.raw)).FullName
}

AfterAll { Exit-TestHome }

Describe 'A machine' {
    BeforeEach { Import-IaaSVm $image -Name vm | Out-Null }
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'is started, and passed on' {
        $vm = Start-IaaSVm vm
        $vm.State, $vm.Name | Should -Be 'Running', 'vm'
        $vm.Started | Should -Not -BeNullOrEmpty
        (Get-IaaSVm vm).State | Should -Be Running
    }

    It 'that runs already is passed on as well' {
        $first = Start-IaaSVm vm
        $second = Start-IaaSVm vm -Verbose 4>&1
        "$second" | Should -Match 'is running already'
        $second[-1].ProcessId | Should -Be $first.ProcessId
    }

    It 'is stopped and keeps nothing' {
        Start-IaaSVm vm | Out-Null
        $vm = Stop-IaaSVm vm
        $vm.State, $vm.Started, $vm.ProcessId, $vm.BootVerified | Should -Be 'Deallocated', $null, $null, $false
    }

    It 'is stopped and keeps its capacity' {
        Start-IaaSVm vm | Out-Null
        (Stop-IaaSVm vm -StayProvisioned).State | Should -Be Stopped
        (Stop-IaaSVm vm).State | Should -Be Deallocated
    }

    It 'that is stopped already is passed on as well' { (Stop-IaaSVm vm).State | Should -Be Deallocated }

    It 'loses its power with -Force' {
        Start-IaaSVm vm | Out-Null
        (Stop-IaaSVm vm -Force).State | Should -Be Deallocated
        Get-IaaSVmConsole vm -Tail 1 | Should -Be 'simulated: the guest is running'
    }

    It 'is restarted' {
        $before = Start-IaaSVm vm
        $after = Restart-IaaSVm vm
        $after.State | Should -Be Running
        $after.ProcessId | Should -Not -Be $before.ProcessId
        @(Get-IaaSVmConsole vm | Where-Object { $_ -match 'running' }).Count | Should -Be 2
    }

    It 'that does not run is not restarted' {
        $failure = Get-ErrorOf { Restart-IaaSVm vm -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Be 'VmStateForbids,AzureIaaS.PowerShell.Commands.RestartVmCommand'
        $failure.CategoryInfo.Category | Should -Be InvalidOperation
        $failure.TargetObject | Should -Be 'vm'
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Start-IaaSVm'
    }

    It 'that is not paused is not resumed' {
        (Get-ErrorOf { Resume-IaaSVm vm -ErrorAction Stop }).ErrorDetails.RecommendedAction | Should -Match 'Start-IaaSVm'
        Start-IaaSVm vm | Out-Null
        (Resume-IaaSVm vm).State | Should -Be Running
    }

    It 'that runs is removed only with -Force' {
        Start-IaaSVm vm | Out-Null
        $failure = Get-ErrorOf { Remove-IaaSVm vm -Confirm:$false -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'VmStateForbids,*'
        $failure.ErrorDetails.RecommendedAction | Should -Match '-Force'
        Remove-IaaSVm vm -Force -Confirm:$false | Should -BeNullOrEmpty
        Get-IaaSVm | Should -BeNullOrEmpty
    }

    It 'that was removed leaves nothing, and its name is free' {
        Start-IaaSVm vm | Stop-IaaSVm | Remove-IaaSVm -Confirm:$false
        Get-Leftover $fabric | Should -BeNullOrEmpty
        (Import-IaaSVm $image -Name VM).Name | Should -Be 'VM'
    }

    It 'whose disk is gone says so, and starts when it is back' {
        $disk = (Get-IaaSVm vm).Disks[0].Path
        Rename-Item $disk "$disk.away"
        $failure = Get-ErrorOf { Start-IaaSVm vm -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'DiskMissing,*'
        $failure.CategoryInfo.Category | Should -Be ObjectNotFound
        (Get-IaaSVm vm).State | Should -Be Deallocated
        Rename-Item "$disk.away" $disk
        (Start-IaaSVm vm).State | Should -Be Running
    }

    It 'whose folder is gone is listed with the reason, and can be forgotten' {
        Remove-Item (Split-Path (Get-IaaSVm vm).Disks[0].Path) -Recurse
        $vm = Get-IaaSVm vm -ErrorAction Stop
        $vm.State | Should -Be Failed
        $vm.StateReason | Should -Match 'missing'
        Remove-IaaSVm vm -Confirm:$false
        Get-IaaSVm | Should -BeNullOrEmpty
    }

    It 'whose process vanished waits to be healed, with the reason, unless it is stopped' {
        Start-IaaSVm vm | Out-Null
        Get-ChildItem (Join-Path $fabric run) -Recurse -Force -File | Remove-Item -Force
        $vm = Get-IaaSVm vm
        $vm.State | Should -Be Healing
        $vm.StateReason | Should -Match 'ended unexpectedly'
        Stop-IaaSVm vm -Force | Out-Null
        (Start-IaaSVm vm).State | Should -Be Running
    }

    It 'that is removed leaves its disks when they are wanted' {
        $disk = (Get-FileHash (Get-IaaSVm vm).Disks[0].Path).Hash
        Remove-IaaSVm vm -KeepDisks -Confirm:$false -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -Match 'The disks of vm are kept in (.+)\.$'
        "$said" -match 'kept in (.+)\.$' | Out-Null
        (Get-ChildItem $Matches[1] | Get-FileHash).Hash | Should -Be $disk
        Get-Leftover $fabric | Should -BeNullOrEmpty
    }
}

Describe 'Many machines' {
    BeforeAll { 1..5 | ForEach-Object { Import-IaaSVm $image -Name "vm$_" } | Out-Null }
    AfterAll { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'go through a pipeline' {
        $through = Get-IaaSVm vm* | Start-IaaSVm | Wait-IaaSVm -For Running | Restart-IaaSVm | Stop-IaaSVm
        $through.Name | Sort-Object | Should -Be 'vm1', 'vm2', 'vm3', 'vm4', 'vm5'
        $through.State | Select-Object -Unique | Should -Be Deallocated
    }

    It 'go one by one with -ThrottleLimit 1, in their order' {
        (Start-IaaSVm vm5, vm3, vm1 -ThrottleLimit 1).Name | Should -Be 'vm5', 'vm3', 'vm1'
        (Get-IaaSVm | Where-Object State -EQ Running).Name | Should -Be 'vm1', 'vm3', 'vm5'
        Stop-IaaSVm * | Out-Null
    }

    It 'have their turn although one fails' {
        Start-IaaSVm vm2 | Out-Null
        $done = Restart-IaaSVm vm1, vm2, vm3 -ErrorAction SilentlyContinue -ErrorVariable failures
        $done.Name | Should -Be 'vm2'
        $failures.TargetObject | Sort-Object | Should -Be 'vm1', 'vm3'
        Stop-IaaSVm * | Out-Null
    }

    It 'are no error when a pattern means none' { Stop-IaaSVm none* -ErrorAction Stop | Should -BeNullOrEmpty }

    It 'end with the first one that is wanted' {
        (Get-IaaSVm | Select-Object -First 1).Name | Should -Be 'vm1'
        (Start-IaaSVm * -ThrottleLimit 1 | Select-Object -First 1).State | Should -Be Running
        Stop-IaaSVm * | Out-Null
    }

    It 'are sorted, grouped and selected as any object is' {
        (Get-IaaSVm | Sort-Object Name -Descending | Select-Object -First 1).Name | Should -Be 'vm5'
        (Get-IaaSVm | Group-Object State).Name | Should -Be 'Deallocated'
        (Get-IaaSVm | Measure-Object Memory -Sum).Sum | Should -Be 5GB
    }
}
