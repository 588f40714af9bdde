# Checkpoints of simulated machines: taken, found, restored and removed, by name and on the pipeline; and suspended machines.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    $image = (New-TestImage (Join-Path $TestHome image.raw)).FullName
}

AfterAll { Exit-TestHome }

Describe 'A checkpoint' {
    BeforeEach { 'vm1', 'vm2' | ForEach-Object { Import-IaaSVm $image -Name $_ } | Out-Null }
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'is taken by position, and given out with what it is of' {
        $vm = Start-IaaSVm vm1
        $checkpoint = Checkpoint-IaaSVm vm1 first
        $checkpoint.Name, $checkpoint.VmName, $checkpoint.VmId, $checkpoint.Context, $checkpoint.HasMemory | Should -Be 'first', 'vm1', $vm.Id, 'test', $false
        $checkpoint.Memory, $checkpoint.Cpu | Should -Be $vm.Memory, $vm.Cpu
        (Get-IaaSVm vm1).ProcessId | Should -Be $vm.ProcessId -Because 'it runs on'
        (Get-IaaSVm vm1).CurrentCheckpoint | Should -Be $checkpoint.Id
    }

    It 'is called by the time where no name is given, and follows the one before' {
        $first = Checkpoint-IaaSVm vm1 first
        $second = Checkpoint-IaaSVm vm1
        [datetime]::ParseExact($second.Name, 'yyyy-MM-dd HH:mm:ss', $null) | Should -BeGreaterThan ([datetime]::UtcNow.AddMinutes(-5))
        $second.ParentId | Should -Be $first.Id
    }

    It 'is taken of many machines on the pipeline' {
        $taken = Get-IaaSVm | Start-IaaSVm | Checkpoint-IaaSVm -CheckpointName all -IncludeMemory
        $taken.VmName | Sort-Object | Should -Be 'vm1', 'vm2'
        $taken.HasMemory | Select-Object -Unique | Should -BeTrue
    }

    It 'of a machine that does not run has no memory, and that is said' {
        $taken = Checkpoint-IaaSVm vm1 off -IncludeMemory -WarningVariable said -WarningAction SilentlyContinue
        $taken.HasMemory | Should -BeFalse
        "$said" | Should -Match 'no memory to keep'
    }

    It 'is refused by the same name, in any case, and with a name that is none' {
        Checkpoint-IaaSVm vm1 first | Out-Null
        Assert-Refused { Checkpoint-IaaSVm vm1 FIRST -ErrorAction Stop } CheckpointNameTaken ResourceExists 'Remove-IaaSVmCheckpoint'
        Assert-Refused { Checkpoint-IaaSVm vm1 ('x' * 101) -ErrorAction Stop } InvalidCheckpointName InvalidArgument '-CheckpointName'
        Assert-Refused { Checkpoint-IaaSVm vm1 "a`nb" -ErrorAction Stop } InvalidCheckpointName InvalidArgument '-CheckpointName'
        { Checkpoint-IaaSVm vm1 '' } | Should -Throw -ErrorId 'ParameterArgumentValidationError*'
        (Checkpoint-IaaSVm vm2 first).VmName | Should -Be vm2 -Because 'another machine has names of its own'
        @(Get-IaaSVmCheckpoint vm1).Count | Should -Be 1
    }

    It 'is listed: all, by machine, by name and by pattern' {
        'b', 'a' | ForEach-Object { Checkpoint-IaaSVm vm1 $_ } | Out-Null
        Checkpoint-IaaSVm vm2 c | Out-Null
        (Get-IaaSVmCheckpoint).Name | Should -Be 'b', 'a', 'c'
        (Get-IaaSVmCheckpoint vm1).Name | Should -Be 'b', 'a'
        (Get-IaaSVmCheckpoint vm* [ac]).VmName | Should -Be 'vm1', 'vm2'
        (Get-IaaSVm vm2 | Get-IaaSVmCheckpoint).Name | Should -Be c
        (Get-IaaSVmCheckpoint vm1 A).Name | Should -Be a
        Get-IaaSVmCheckpoint vm1 z* -ErrorAction Stop | Should -BeNullOrEmpty
        $failure = Get-ErrorOf { Get-IaaSVmCheckpoint vm1 z -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'CheckpointNotFound,*'
        $failure.ErrorDetails.RecommendedAction | Should -Be "It has 'b', 'a'."
        { Get-IaaSVmCheckpoint $null } | Should -Throw -ErrorId 'Parameter*'
    }

    It 'with brackets in its name is found by that name' {
        Checkpoint-IaaSVm vm1 'before [x]' | Out-Null
        Checkpoint-IaaSVm vm1 'before x' | Out-Null
        (Get-IaaSVmCheckpoint vm1 'before [x]').Name | Should -Be 'before [x]'
        (Restore-IaaSVmCheckpoint vm1 'before [x]' -Confirm:$false).Name | Should -Be vm1
        Remove-IaaSVmCheckpoint vm1 'before [x]'
        (Get-IaaSVmCheckpoint vm1).Name | Should -Be 'before x'
    }

    It 'is restored, as a machine that does not run or, with memory, is suspended' {
        Start-IaaSVm vm1 | Out-Null
        Checkpoint-IaaSVm vm1 disks | Out-Null
        Checkpoint-IaaSVm vm1 memory -IncludeMemory | Out-Null
        Assert-Refused { Restore-IaaSVmCheckpoint vm1 disks -Confirm:$false -ErrorAction Stop } VmStateForbids InvalidOperation 'Stop-IaaSVm'
        Stop-IaaSVm vm1 | Out-Null
        (Restore-IaaSVmCheckpoint vm1 disks -Confirm:$false).State | Should -Be Deallocated
        $vm = Restore-IaaSVmCheckpoint vm1 memory -Confirm:$false
        $vm.State | Should -Be Suspended
        Assert-Refused { Remove-IaaSVmCheckpoint vm1 memory -ErrorAction Stop } CheckpointInUse InvalidOperation 'Resume-IaaSVm'
        (Resume-IaaSVm vm1).State | Should -Be Running
        @(Get-IaaSVmConsole vm1 | Where-Object { $_ -match 'is running' }).Count | Should -Be 1 -Because 'it went on, and did not boot'
    }

    It 'is restored and removed on the pipeline, as itself and as what a file has made of it' {
        'a', 'b', 'c' | ForEach-Object { Checkpoint-IaaSVm vm1 $_ } | Out-Null
        (Get-IaaSVmCheckpoint vm1 | Select-Object -Last 1 | Restore-IaaSVmCheckpoint -Confirm:$false).CurrentCheckpoint | Should -Be (Get-IaaSVmCheckpoint vm1 c).Id
        Get-IaaSVmCheckpoint vm1 | Select-Object -SkipLast 1 | Remove-IaaSVmCheckpoint -ErrorAction Stop
        (Get-IaaSVmCheckpoint).Name | Should -Be c
        $file = Join-Path $TestHome checkpoint.xml
        Get-IaaSVmCheckpoint | Export-Clixml $file
        Import-Clixml $file | Remove-IaaSVmCheckpoint -ErrorAction Stop
        Get-IaaSVmCheckpoint | Should -BeNullOrEmpty
    }

    It 'is removed by pattern, of many machines' {
        foreach ($vm in 'vm1', 'vm2') { 'old 1', 'old 2', 'new' | ForEach-Object { Checkpoint-IaaSVm $vm $_ } | Out-Null }
        Remove-IaaSVmCheckpoint vm* old* | Should -BeNullOrEmpty
        (Get-IaaSVmCheckpoint).Name | Should -Be 'new', 'new'
    }

    It 'must be named, and is one' {
        Checkpoint-IaaSVm vm1 a | Out-Null
        Checkpoint-IaaSVm vm1 ab | Out-Null
        Assert-Refused { Restore-IaaSVmCheckpoint vm1 -Confirm:$false -ErrorAction Stop } CheckpointNameMissing InvalidArgument '-CheckpointName'
        Assert-Refused { Remove-IaaSVmCheckpoint vm1 -ErrorAction Stop } CheckpointNameMissing InvalidArgument 'Get-IaaSVmCheckpoint'
        Assert-Refused { Restore-IaaSVmCheckpoint vm1 a* -Confirm:$false -ErrorAction Stop } AmbiguousCheckpoint InvalidArgument 'exactly one'
        Assert-Refused { Restore-IaaSVmCheckpoint vm2 a -Confirm:$false -ErrorAction Stop } CheckpointNotFound ObjectNotFound 'Checkpoint-IaaSVm'
        Get-IaaSVm vm1 | Remove-IaaSVmCheckpoint -CheckpointName a
        Assert-Refused { Remove-IaaSVmCheckpoint vm1 a -ErrorAction Stop } CheckpointNotFound ObjectNotFound "'ab'"
    }

    It 'of another context says which' {
        $context = Get-IaaSContext test
        New-TestFabric (Join-Path $TestHome other) -Name other | Out-Null
        Import-IaaSVm $image -Name far | Checkpoint-IaaSVm -CheckpointName there | Out-Null
        Connect-IaaS $context.Path -Hypervisor Simulated -Name test | Out-Null
        Get-IaaSVmCheckpoint -Context other | Remove-IaaSVmCheckpoint -ErrorAction Stop
        Get-IaaSVmCheckpoint -Context other | Should -BeNullOrEmpty
    }
}

Describe 'A suspended machine' {
    BeforeEach { Import-IaaSVm $image -Name vm | Start-IaaSVm | Out-Null }
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'has no process and no place, and goes on where it was' {
        $vm = Get-IaaSVm vm | Suspend-IaaSVm
        $vm.State, $vm.ProcessId, $vm.Host | Should -Be 'Suspended', $null, $null
        (Suspend-IaaSVm vm -ErrorAction Stop).State | Should -Be Suspended -Because 'twice is no error'
        $vm = Resume-IaaSVm vm
        $vm.State | Should -Be Running
        $vm.Host | Should -Not -BeNullOrEmpty
        @(Get-IaaSVmConsole vm | Where-Object { $_ -match 'is running' }).Count | Should -Be 1
    }

    It 'is refused what would spoil its memory' {
        Suspend-IaaSVm vm | Out-Null
        Assert-Refused { Start-IaaSVm vm -ErrorAction Stop } VmStateForbids InvalidOperation 'Resume-IaaSVm'
        Assert-Refused { Set-IaaSVm vm -Cpu 2 -ErrorAction Stop } VmStateForbids InvalidOperation 'Resume-IaaSVm'
        Assert-Refused { Move-IaaSVm vm -ErrorAction Stop } VmStateForbids InvalidOperation 'Resume-IaaSVm'
        Assert-Refused { Add-IaaSVmDisk vm 1GB -ErrorAction Stop } VmStateForbids InvalidOperation 'Resume-IaaSVm'
        Assert-Refused { Stop-IaaSVm vm -ErrorAction Stop } VmStateForbids InvalidOperation '-Force'
        (Stop-IaaSVm vm -Force).State | Should -Be Deallocated
        Assert-Refused { Suspend-IaaSVm vm -ErrorAction Stop } VmStateForbids InvalidOperation 'Start-IaaSVm'
    }

    It 'is one of many, in a job' {
        1..3 | ForEach-Object { Import-IaaSVm $image -Name "more$_" } | Start-IaaSVm | Out-Null
        (Get-IaaSVm | Suspend-IaaSVm -AsJob | Complete-Job).State | Should -Be 'Suspended', 'Suspended', 'Suspended', 'Suspended'
        (Get-IaaSVm | Where-Object State -EQ Suspended | Resume-IaaSVm).State | Select-Object -Unique | Should -Be Running
    }
}
