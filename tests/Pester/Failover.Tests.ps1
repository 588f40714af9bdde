# Failovers of simulated machines: rehearsed, planned and unplanned; what is checked, what is reported, and what is refused.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $image = (New-TestImage (Join-Path $TestHome image.raw)).FullName
    'db01', 'web01', 'web02' | ForEach-Object { Import-IaaSVm $image -Name $_ } | Start-IaaSVm | Out-Null
    Import-IaaSVm $image -Name off | Out-Null

    function Get-Table { $input | Format-Table | Out-String -Width 400 -Stream | Where-Object { $_ } | ForEach-Object { $_ -replace '\e\[[\d;]*m' } }

    # A rehearsal whose one check fails: the report that it gives out beside its error.
    function Get-FailedReport {
        param($Check, [hashtable]$More = @{})
        $report = Invoke-IaaSFailover web01 -Kind Test -Check $Check @More -ErrorAction SilentlyContinue -ErrorVariable failures
        @($failures).Count | Should -Be 1
        $failures[0].FullyQualifiedErrorId | Should -Be 'FailoverFailed,AzureIaaS.PowerShell.Commands.InvokeFailoverCommand'
        $failures[0].ErrorDetails.RecommendedAction | Should -Match 'Get-IaaSFailover'
        $failures[0].TargetObject | Should -Be web01
        $report.Outcome | Should -Be Failed
        $report
    }
}

AfterAll { Exit-TestHome }

Describe 'A rehearsal' {
    It 'leaves the machine as it was, and nothing of its clone' {
        $before = Get-IaaSVm web01
        $leftover = Get-Leftover
        $report = Get-IaaSVm web01 | Invoke-IaaSFailover -Kind Test -Check SignOfLife
        $report.Kind, $report.Outcome, $report.VmName, $report.VmId, $report.Context | Should -Be 'Test', 'Succeeded', 'web01', $before.Id, 'test'
        $report.Steps.Name | Should -Be 'freeze', 'clone', 'start', 'check', 'discard', 'merge'
        $report.Checks.Name, $report.Checks.Outcome, $report.Checks.Detail | Should -Be 'SignOfLife', 'Succeeded', 'its console said: simulated: the guest is running'
        $report.Rto | Should -BeGreaterThan ([timespan]::Zero)
        $report.Rpo | Should -Be ([timespan]::Zero)
        $report.RpoStatement | Should -Match '\.$'
        $after = Get-IaaSVm web01
        $after.ProcessId, $after.Host, $after.State, $after.Checkpoints.Count | Should -Be $before.ProcessId, $before.Host, 'Running', 0
        Get-IaaSVm | ForEach-Object Name | Should -Be 'db01', 'off', 'web01', 'web02'
        Get-Leftover | ForEach-Object FullName | Should -Be $leftover.FullName
    }

    It 'is held of a machine that does not run' { (Invoke-IaaSFailover off -Kind Test).Outcome | Should -Be Succeeded }

    It 'is held of many, each with its report, in their start order' {
        Set-IaaSVm db01 -StartOrder -1 | Out-Null
        $reports = Get-IaaSVm | Invoke-IaaSFailover -Kind Test -ThrottleLimit 1
        $reports.VmName | Should -Be 'db01', 'off', 'web01', 'web02'
        $reports.Outcome | Select-Object -Unique | Should -Be Succeeded
        Set-IaaSVm db01 -StartOrder 0 | Out-Null
    }

    It 'goes on in a job' {
        $job = Invoke-IaaSFailover web* -Kind Test -AsJob
        $job.GetType().Name | Should -Be IaaSJob
        $reports = $job | Complete-Job
        $reports.VmName | Sort-Object | Should -Be 'web01', 'web02'
    }

    It 'that is ended by Ctrl+C is cleared away, and reported as interrupted' {
        $shell = [powershell]::Create()
        $running = $shell.AddScript("Import-Module '$ModulePath'; Invoke-IaaSFailover web02 -Kind Test -Check { Start-Sleep 3600 }").BeginInvoke()
        Wait-Until { Get-IaaSOperation | Where-Object { $_.Kind -eq 'Rehearsal' -and $_.Step -eq 'check' } }
        (Get-ErrorOf { Checkpoint-IaaSVm web02 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'VmIsRehearsed,*'
        $shell.Stop()
        Wait-Until { $running.IsCompleted }
        $shell.Dispose()
        Get-IaaSOperation | Should -BeNullOrEmpty
        $report = Get-IaaSFailover web02 -Last 1
        $report.Outcome, $report.Error | Should -Be 'Failed', 'It was interrupted.'
        Checkpoint-IaaSVm web02 -ErrorAction Stop | Remove-IaaSVmCheckpoint
    }
}

Describe 'A planned failover' {
    It 'takes the machine to another host, and says how long it stood still' {
        $before = Get-IaaSVm web01
        $report = Invoke-IaaSFailover web01 -Kind Planned
        $report.SourceHost | Should -Be $before.Host
        $report.TargetHost | Should -Not -Be $before.Host
        $report.Downtime | Should -Not -BeNullOrEmpty
        $report.RecoveryPoint | Should -Be live
        $report.Checks.Name | Should -Be Process
        (Get-IaaSVm web01).Host | Should -Be $report.TargetHost
    }

    It 'goes to the host that was named, and nowhere else' {
        $to = (Get-IaaSHost).Name | Where-Object { $_ -ne (Get-IaaSVm web01).Host } | Select-Object -Last 1
        (Invoke-IaaSFailover web01 -Kind Planned -TargetHost $to).TargetHost | Should -Be $to
        $failure = Get-ErrorOf { Invoke-IaaSFailover web01 -Kind Planned -TargetHost nowhere -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'FailoverFailed,*'
        $failure.ToString() | Should -Match "no host 'nowhere'"
        (Get-IaaSFailover web01 -Last 1).Outcome | Should -Be Failed
        (Get-IaaSVm web01).Host | Should -Be $to
    }
}

Describe 'An unplanned failover' {
    It 'kills the process and starts the machine elsewhere' {
        $before = Get-IaaSVm web02
        $report = Invoke-IaaSFailover web02 -Kind Unplanned -Confirm:$false
        $report.Steps.Name | Should -Be 'fence', 'start elsewhere', 'check'
        $after = Get-IaaSVm web02
        $after.ProcessId | Should -Not -Be $before.ProcessId
        $after.Host | Should -Be $report.TargetHost
        $after.Host | Should -Not -Be $before.Host
        @(Get-IaaSVmConsole web02 | Where-Object { $_ -match 'running' }).Count | Should -BeGreaterThan 1
    }

    It 'leaves the machine alone where nobody has room for it' {
        $before = Get-IaaSVm web02
        $others = Get-IaaSHost | Where-Object Name -NE $before.Host
        $others | Suspend-IaaSHost | Out-Null
        $failure = Get-ErrorOf { Invoke-IaaSFailover web02 -Kind Unplanned -ErrorAction Stop }
        $failure.ToString() | Should -Match 'No host can take web02'
        (Get-IaaSVm web02).ProcessId | Should -Be $before.ProcessId
        $others | Resume-IaaSHost | Out-Null
    }
}

Describe 'A check' {
    It 'by name is one of four, in any case' {
        (Invoke-IaaSFailover web01 -Kind Test -Check process, SIGNOFLIFE, Console -Pattern 'is run+ing').Checks.Name | Should -Be 'Process', 'SignOfLife', "Console 'is run+ing'"
    }

    It 'by pattern needs no name' {
        (Invoke-IaaSFailover web01 -Kind Test -Check Process -Pattern running).Checks.Name | Should -Be 'Process', "Console 'running'"
    }

    It 'by block is given the machine, a copy of what $using: names, the module, and the machine''s context' {
        $outside = 'web01'
        New-TestFabric (Join-Path $TestHome elsewhere) -Name elsewhere | Out-Null
        try {
            $report = Invoke-IaaSFailover web01 -Context test -Kind Test -Check {
                param($vm)
                if ($vm.Name -notlike "$using:outside~*") { throw "It is $($vm.Name)" }
                if (-not $vm.RehearsalOf) { throw 'It is no clone' }
                if (($vm | Get-IaaSVm).Context -ne 'test' -or (Get-IaaSVm db01).State -ne 'Running') { throw 'It looks elsewhere' }
                $vm | Get-IaaSVmConsole -Tail 1
            }
            $report.Checks.Outcome, $report.Checks.Detail | Should -Be 'Succeeded', 'simulated: the guest is running'
        }
        finally { Connect-IaaS $fabric -Hypervisor Simulated -Name test | Out-Null }
    }

    It 'by block in a function sees that function''s variables' {
        function Test-Rehearsal {
            $wanted = 'here'
            Invoke-IaaSFailover web01 -Kind Test -Check { if ($using:wanted -ne 'here') { throw $using:wanted }; $true }
        }
        (Test-Rehearsal).Outcome | Should -Be Succeeded
    }

    It 'by block fails when <What>' -ForEach @(
        @{ What = 'it throws'; Check = { throw 'no web server' }; Detail = 'no web server' }
        @{ What = 'it writes an error'; Check = { Write-Error 'no answer'; 'and went on' }; Detail = 'no answer' }
        @{ What = 'it ends with false'; Check = { 'a word'; $false }; Detail = 'a word False' }
        @{ What = 'it is no PowerShell'; Check = { Get-Nothing }; Detail = 'Get-Nothing' }
    ) {
        $report = Get-FailedReport $Check
        $report.Checks.Outcome, $report.Rto | Should -Be 'Failed', $null
        $report.Checks.Detail | Should -Match $Detail
        $report.Error | Should -Match "check Script failed: .*$Detail"
        $report.Steps[-1].Name | Should -Be merge -Because 'the clone is cleared away all the same'
    }

    It 'by block that does not return <What> is stopped in time' -ForEach @(
        @{ What = 'from a loop'; Check = { while ($true) { } } }
        @{ What = 'from a cmdlet'; Check = { Start-Sleep 3600 } }
        @{ What = 'from a call into .NET'; Check = { [Threading.Thread]::Sleep(20000) } }
    ) {
        $report = Get-FailedReport $Check @{ CheckTimeout = 1 }
        $report.Checks.Detail | Should -Match 'not ended after 1 s, and was stopped'
        $report.Checks.After.TotalSeconds | Should -BeLessThan 15
        ($report.Steps | Where-Object Name -EQ check).Duration.TotalSeconds | Should -BeLessThan 15 -Because 'a call that goes on is not waited for'
    }

    It 'after one that failed is not run' {
        $checks = { $false }, 'Process'
        $report = Get-FailedReport $checks
        $report.Checks.Outcome | Should -Be 'Failed', 'NotRun'
    }

    It 'that is none is refused before anything is done: <Id>' -ForEach @(
        @{ Id = 'UnknownCheck'; Parameters = @{ Check = 'Pong' }; Remedy = 'SignOfLife' }
        @{ Id = 'PatternMissing'; Parameters = @{ Check = 'Console' }; Remedy = '-Pattern' }
        @{ Id = 'InvalidPattern'; Parameters = @{ Pattern = '*(' }; Remedy = 'backslash' }
        @{ Id = 'UnsupportedUsing'; Parameters = @{ Check = { $using:fabric.Length } }; Remedy = 'variable' }
    ) {
        $count = @(Get-IaaSFailover).Count
        $failure = Get-ErrorOf { Invoke-IaaSFailover web* -Kind Test @Parameters -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $failure.CategoryInfo.Category | Should -Be InvalidArgument
        $failure.ErrorDetails.RecommendedAction | Should -Match $Remedy
        @(Get-IaaSFailover).Count | Should -Be $count
    }
}

Describe 'A failover that cannot begin is an error, and no report' {
    It '<Kind> of a stopped machine' -ForEach @(
        @{ Kind = 'Planned' }
        @{ Kind = 'Unplanned' }
    ) {
        $count = @(Get-IaaSFailover).Count
        $failure = Get-ErrorOf { Invoke-IaaSFailover off -Kind $Kind -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -Be 'VmStateForbids,AzureIaaS.PowerShell.Commands.InvokeFailoverCommand'
        $failure.CategoryInfo.Category | Should -Be InvalidOperation
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Start-IaaSVm'
        @(Get-IaaSFailover).Count | Should -Be $count
    }

    It 'of a machine that is not there, while the others have their turn' {
        $reports = Invoke-IaaSFailover nobody, off, web01 -Kind Planned -ErrorAction SilentlyContinue -ErrorVariable failures
        $reports.VmName | Should -Be web01
        $failures.TargetObject | Should -Be 'nobody', 'off'
    }

    It 'of a kind that is none' {
        { Invoke-IaaSFailover web01 -Kind Sideways } | Should -Throw '*Test, Planned, Unplanned*'
    }
}

Describe 'A report' {
    It 'is kept, and found by machine, by pattern, by id, and among the last' {
        $last = Invoke-IaaSFailover db01 -Kind Test
        (Get-IaaSFailover -Last 1).Id | Should -Be $last.Id
        (Get-IaaSFailover db01 -Last 1).Id | Should -Be $last.Id
        (Get-IaaSFailover DB* | Select-Object -Last 1).Id | Should -Be $last.Id
        (Get-IaaSVm db01 | Get-IaaSFailover | Select-Object -Last 1).Id | Should -Be $last.Id
        Get-IaaSVm | Get-IaaSFailover -Last 1 | ForEach-Object VmName | Should -Be 'db01', 'off', 'web01', 'web02'
        (Get-IaaSFailover | ForEach-Object Started | Sort-Object) | Should -Be (Get-IaaSFailover).Started
        Get-IaaSFailover none* | Should -BeNullOrEmpty
    }

    It 'outlives its machine' {
        $gone = Import-IaaSVm $image -Name gone
        $gone | Invoke-IaaSFailover -Kind Test | Out-Null
        Remove-IaaSVm gone -Confirm:$false
        (Get-IaaSFailover gone).VmId | Should -Be $gone.Id
        (Get-IaaSFailover $gone).VmName | Should -Be gone
    }

    It 'of a machine that never was is an error, of one that was never failed over is none' {
        $found = Get-IaaSFailover nobody, db01 -ErrorAction SilentlyContinue -ErrorVariable failures
        $found.VmName | Select-Object -Unique | Should -Be db01
        $failures.FullyQualifiedErrorId | Should -BeLike 'VmNotFound,*'
        Import-IaaSVm $image -Name fresh | Get-IaaSFailover -ErrorAction Stop | Should -BeNullOrEmpty
        { Get-IaaSFailover $null } | Should -Throw -ErrorId 'Parameter*'
    }

    It 'goes through JSON and through a file with every step and every number' {
        $report = Invoke-IaaSFailover web01 -Kind Test -Check Process, SignOfLife
        $back = $report | ConvertTo-Json -Depth 4 -EnumsAsStrings -WarningAction Stop | ConvertFrom-Json
        $back.Kind, $back.Outcome, $back.VmName, $back.TargetHost | Should -Be 'Test', 'Succeeded', 'web01', $report.TargetHost
        $back.Rto.TotalSeconds | Should -Be $report.Rto.TotalSeconds
        $back.Started | Should -Be $report.Started
        $back.Steps.Name | Should -Be $report.Steps.Name
        $back.Steps.Duration.Ticks | Should -Be $report.Steps.Duration.Ticks
        $back.Checks.Name | Should -Be 'Process', 'SignOfLife'
        $back.Versions.AzureIaaS | Should -Be (Get-Module AzureIaaS).Version.ToString()
        $file = Join-Path $TestHome report.xml
        $report | Export-Clixml $file -Depth 3
        $back = Import-Clixml $file
        $back.Rto, $back.Kind.ToString(), $back.Steps[0].Duration | Should -Be $report.Rto, 'Test', $report.Steps[0].Duration
        ($back | Get-Table)[2] | Should -Match '^web01 +Test +Succeeded '
    }

    It 'is sorted and measured as any object is' {
        $slowest = Get-IaaSFailover | Where-Object Rto | Sort-Object Rto -Descending | Select-Object -First 1
        $slowest.Rto.TotalSeconds | Should -Be (Get-IaaSFailover | Where-Object Rto | ForEach-Object { $_.Rto.TotalSeconds } | Measure-Object -Maximum).Maximum
    }
}
