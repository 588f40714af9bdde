# Waiting for machines, reading their consoles, and doing both in jobs; simulated, so that it is the cmdlets that are tried.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    $image = (New-TestImage (Join-Path $TestHome vm.raw)).FullName
    foreach ($name in 'vm', 'vm2') { Import-IaaSVm $image -Name $name | Out-Null }

    # What a guest says: added to its console as QEMU would.
    function Add-Line {
        param([string]$Line, [string]$Name = 'vm')
        $console = Join-Path (Split-Path (Get-IaaSVm $Name).Disks[0].Path) console.log
        [IO.File]::AppendAllText($console, "$Line`n")
    }
}

AfterAll { Exit-TestHome }

Describe 'Wait-IaaSVm' {
    BeforeEach { Start-IaaSVm vm | Out-Null }
    AfterEach { Stop-IaaSVm vm -Force | Out-Null }

    It '-For Running passes the machine on' { (Wait-IaaSVm vm -For Running).State | Should -Be Running }

    It '-For SignOfLife, the default, notes what was seen' {
        $vm = Wait-IaaSVm vm
        $vm.BootVerified | Should -BeTrue
        $vm.BootEvidence | Should -Be 'its console said: simulated: the guest is running'
        (Get-IaaSVm vm).BootVerified | Should -BeTrue
    }

    It '-For Console finds a line by a pattern, one that is not complete too' {
        Add-Line 'starting services'
        (Wait-IaaSVm vm -For Console -Pattern 'starting \w+').Name | Should -Be 'vm'
        [IO.File]::AppendAllText((Join-Path (Split-Path (Get-IaaSVm vm).Disks[0].Path) console.log), 'vm login: ')
        (Wait-IaaSVm vm -For Console -Pattern 'login: $').Name | Should -Be 'vm'
    }

    It '-For Console does not take a line of an earlier run' {
        Add-Line 'only once'
        Stop-IaaSVm vm -Force | Start-IaaSVm | Out-Null
        $failure = Get-ErrorOf { Wait-IaaSVm vm -For Console -Pattern 'only once' -Timeout 1 -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'WaitTimeout,*'
    }

    It '-For Stopped passes the machine on when it no longer runs' {
        Stop-IaaSVm vm | Out-Null
        (Wait-IaaSVm vm -For Stopped).State | Should -Be Deallocated
        (Wait-IaaSVm vm2 -For Stopped).State | Should -Be Deallocated
    }

    It 'waits until what it waits for comes' {
        $job = Start-ThreadJob { Import-Module $using:ModulePath; Wait-IaaSVm vm -For Console -Pattern 'ready' }
        Wait-Until { $job.State -eq 'Running' }
        Start-Sleep -Milliseconds 300
        $job.State | Should -Be Running
        Add-Line 'all is ready now'
        ($job | Complete-Job).Name | Should -Be 'vm'
    }

    It 'says what did not come in time, and what the console said last' {
        Add-Line 'stuck here'
        $failure = Get-ErrorOf { Wait-IaaSVm vm -For Console -Pattern 'never' -Timeout 0 -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Be 'WaitTimeout,AzureIaaS.PowerShell.Commands.WaitVmCommand'
        $failure.CategoryInfo.Category | Should -Be OperationTimeout
        $failure.TargetObject | Should -Be 'vm'
        $failure.ToString() | Should -Match 'not seen within 0 s.*stuck here'
    }

    It 'gives up at once on a machine that does not run' {
        $failure = Get-ErrorOf { Wait-IaaSVm vm2 -ErrorAction Stop }
        $failure.ToString() | Should -Match 'is Deallocated and will not get there by itself'
    }

    It 'waits for several at once, and for the others when one does not come' {
        Start-IaaSVm vm2 | Out-Null
        Add-Line 'here' vm2
        $seen = Wait-IaaSVm vm, vm2 -For Console -Pattern 'here' -Timeout 2 -ErrorAction SilentlyContinue -ErrorVariable failures
        $seen.Name | Should -Be 'vm2'
        $failures.TargetObject | Should -Be 'vm'
        Stop-IaaSVm vm2 | Out-Null
    }

    It 'refuses a console without a pattern, and a pattern that is none' {
        (Get-ErrorOf { Wait-IaaSVm vm -For Console -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'PatternMissing,*'
        $failure = Get-ErrorOf { Wait-IaaSVm vm -For Console -Pattern '[' -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'InvalidPattern,*'
        $failure.CategoryInfo.Category | Should -Be InvalidArgument
    }
}

Describe 'Start-IaaSVm -Wait' {
    AfterEach { Stop-IaaSVm vm -Force | Out-Null }

    It 'waits for a sign of life' { (Start-IaaSVm vm -Wait).BootVerified | Should -BeTrue }

    It 'waits for a pattern' { (Start-IaaSVm vm -Wait -Pattern 'guest is \w+').BootEvidence | Should -Match 'guest is running' }

    It 'warns when the time is over, and still passes the machine on' {
        $vm = Start-IaaSVm vm -Wait -Pattern 'never' -Timeout 0 -WarningVariable warnings -WarningAction SilentlyContinue
        $vm.State, $vm.BootVerified | Should -Be 'Running', $false
        "$warnings" | Should -Match "vm: a line like 'never' on its console was not seen within 0 s"
    }

    It 'refuses a pattern that is none before it starts anything' {
        (Get-ErrorOf { Start-IaaSVm vm -Wait -Pattern '(' -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'InvalidPattern,*'
        (Get-IaaSVm vm).State | Should -Be Deallocated
    }
}

Describe 'Get-IaaSVmConsole' {
    BeforeAll {
        Start-IaaSVm vm | Out-Null
        1..5 | ForEach-Object { Add-Line "line $_" }
    }
    AfterAll { Stop-IaaSVm vm -Force | Out-Null }

    It 'gives all lines there are' { @(Get-IaaSVmConsole vm)[-5..-1] | Should -Be 'line 1', 'line 2', 'line 3', 'line 4', 'line 5' }

    It 'gives the last ones' {
        Get-IaaSVmConsole vm -Tail 2 | Should -Be 'line 4', 'line 5'
        Get-IaaSVmConsole vm -Last 1 | Should -Be 'line 5'
        Get-IaaSVmConsole vm -Tail 0 | Should -BeNullOrEmpty
    }

    It 'gives nothing for a machine that never ran' {
        Import-IaaSVm $image -Name new | Get-IaaSVmConsole -ErrorAction Stop | Should -BeNullOrEmpty
        Remove-IaaSVm new -Confirm:$false
    }

    It 'takes machines from the pipeline' { Get-IaaSVm vm2, vm | Get-IaaSVmConsole -Tail 1 | Should -Be 'simulated: the guest has shut down', 'line 5' }

    It '-Wait goes on with new lines, and ends with the pipeline' {
        $job = Start-ThreadJob { Import-Module $using:ModulePath; Get-IaaSVmConsole vm -Tail 1 -Wait | Select-Object -First 3 }
        Wait-Until { $job.Output.Count -eq 1 }
        Add-Line 'line 6'
        Add-Line 'line 7'
        $job | Complete-Job | Should -Be 'line 5', 'line 6', 'line 7'
    }

    It '-Wait -Tail 0 gives only what is new' {
        $job = Start-ThreadJob { Import-Module $using:ModulePath; Get-IaaSVmConsole vm -Tail 0 -Wait | Select-Object -First 1 }
        # Lines until one is seen: there is no telling when it listens.
        Wait-Until { Add-Line 'news'; $job.State -notin 'Running', 'NotStarted' }
        $job | Complete-Job | Should -Be 'news'
    }

    It 'shows nothing that could command a terminal' {
        Add-Line "red `e[31mtext`e[0m and a bell `a`e]0;title`a"
        Get-IaaSVmConsole vm -Tail 1 | Should -Be 'red text and a bell '
    }
}

Describe '-AsJob' {
    BeforeEach { Get-IaaSVm | Stop-IaaSVm -Force | Out-Null }

    It 'gives out a job at once, whose results are the machines' {
        $job = Start-IaaSVm vm, vm2 -AsJob
        $job | Should -BeOfType System.Management.Automation.Job
        $job.Command | Should -Match 'Start-IaaSVm vm, vm2 -AsJob'
        Get-Job -Id $job.Id | Should -Be $job
        $machines = $job | Receive-Job -Wait
        $machines.Name | Sort-Object | Should -Be 'vm', 'vm2'
        $machines[0] | Should -BeOfType AzureIaaS.VirtualMachine
        $job.State | Should -Be Completed
        $job | Remove-Job
        (Get-IaaSVm).State | Should -Be Running, Running
    }

    It 'works for every cmdlet that takes long' {
        (Import-IaaSVm $image -Name vm3 -AsJob | Complete-Job).Name | Should -Be 'vm3'
        (Start-IaaSVm vm3 -AsJob | Complete-Job).State | Should -Be Running
        (Restart-IaaSVm vm3 -AsJob | Complete-Job).State | Should -Be Running
        (Resume-IaaSVm vm3 -AsJob | Complete-Job).State | Should -Be Running
        (Stop-IaaSVm vm3 -AsJob | Complete-Job).State | Should -Be Deallocated
        Remove-IaaSVm vm3 -Confirm:$false -AsJob | Complete-Job
        Get-IaaSVm vm3* | Should -BeNullOrEmpty
    }

    It 'keeps warnings, errors and progress for whoever receives it' {
        $job = Start-IaaSVm vm -Wait -Pattern 'never' -Timeout 0 -AsJob
        $job | Wait-Job -Timeout 60 | Out-Null
        $job.State, $job.Warning.Count | Should -Be 'Completed', 1
        $job.Progress.StatusDescription | Should -Contain 'Starting vm'
        $job | Remove-Job
        $job = Restart-IaaSVm vm2 -AsJob | Wait-Job -Timeout 60
        $job.State | Should -Be Failed
        $failure = Get-ErrorOf { $job | Receive-Job -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'VmStateForbids*'
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Start-IaaSVm'
        $job | Remove-Job
    }

    It 'is stopped by Stop-Job, and can be removed' {
        $job = Start-IaaSVm vm -Wait -Pattern 'never' -AsJob
        Wait-Until { (Get-IaaSVm vm).State -eq 'Running' }
        $job | Stop-Job
        $job | Wait-Job -Timeout 60 | Should -Not -BeNullOrEmpty
        $job.State | Should -Be Stopped
        $job | Remove-Job
        (Get-IaaSVm vm).State | Should -Be Running
    }

    It 'is a job for PowerShell''s own cmdlets' {
        $jobs = 'vm', 'vm2' | ForEach-Object { Start-IaaSVm $_ -AsJob }
        @($jobs | Wait-Job -Timeout 60).Count | Should -Be 2
        ($jobs | Receive-Job).Count | Should -Be 2
        $jobs | Receive-Job | Should -BeNullOrEmpty
        $jobs | Remove-Job
        Get-Job | Where-Object PSJobTypeName -EQ IaaSJob | Should -BeNullOrEmpty
    }

    It 'of machines that do not exist says so at once' {
        $job = Start-IaaSVm nobody -AsJob -ErrorAction SilentlyContinue -ErrorVariable failures
        $failures.FullyQualifiedErrorId | Should -BeLike 'VmNotFound,*'
        $job | Complete-Job | Should -BeNullOrEmpty
    }
}
