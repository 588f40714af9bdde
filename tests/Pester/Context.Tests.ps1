# Where machines live: connecting, choosing, forgetting; several contexts, runspaces and shells at once.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $first = Enter-TestHome
    New-TestImage (Join-Path $TestHome web01.raw) | Import-IaaSVm | Out-Null
    New-TestFabric (Join-Path $TestHome second) -Name second | Out-Null
    New-TestImage (Join-Path $TestHome db01.raw) | Import-IaaSVm | Out-Null
    Connect-IaaS -Path $first.Path -Hypervisor Simulated -Name test | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'Connect-IaaS' {
    AfterEach { Connect-IaaS -Path $first.Path -Hypervisor Simulated -Name test | Out-Null }

    It 'gives out the context, which is current from then on' {
        $context = Connect-IaaS -Local -Path (Join-Path $TestHome second) -Hypervisor Simulated -Name second
        $context.Name, $context.Provider, $context.Hypervisor, $context.IsCurrent | Should -Be 'second', 'Local', 'Simulated', $true
        (Get-IaaSContext | Where-Object IsCurrent).Name | Should -Be 'second'
        (Get-IaaSVm).Name | Should -Be 'db01'
    }

    It 'takes a path of PowerShell''s' {
        Push-Location $TestHome
        try { (Connect-IaaS -Path ./second -Hypervisor Simulated -Name second).Path | Should -Be (Join-Path $TestHome second) }
        finally { Pop-Location }
    }

    It 'takes the user''s own fabric when no folder is given' -Skip:(-not $IsLinux) {
        (Connect-IaaS -Hypervisor Simulated -Name own).Path | Should -Be (Join-Path $env:XDG_DATA_HOME azureiaas local)
        Disconnect-IaaS own | Out-Null
    }

    It 'refuses what cannot be a fabric, and stays where it was' {
        $file = (New-Item (Join-Path $TestHome file) -ItemType File).FullName
        $failure = Get-ErrorOf { Connect-IaaS -Path $file -Hypervisor Simulated -Name bad }
        $failure.FullyQualifiedErrorId | Should -Be 'StateNotWritable,AzureIaaS.PowerShell.Commands.ConnectCommand'
        $failure.CategoryInfo.Category | Should -Be PermissionDenied
        (Get-IaaSContext).Name | Should -Not -Contain bad
        (Get-IaaSContext | Where-Object IsCurrent).Name | Should -Be 'test'
    }

    It 'keeps the fabric from everybody else' -Skip:$IsWindows {
        $fabric = (Connect-IaaS -Path (Join-Path $TestHome private/fabric) -Hypervisor Simulated -Name private).Path
        (Get-Item $fabric).UnixMode | Should -Be 'drwx------'
        (Get-Item (Join-Path $fabric fabric.db)).UnixMode | Should -Be '-rw-------'
        Disconnect-IaaS private | Out-Null
    }

    It 'holds no secret and no state in what it remembers' {
        $file = Get-Content (Get-ContextFile) -Raw | ConvertFrom-Json
        $file.Contexts[0].PSObject.Properties.Name | Should -Be 'Name', 'Provider', 'Path', 'Hypervisor'
    }
}

Describe 'Get-IaaSContext' {
    It 'lists all, the one in use marked' {
        (Get-IaaSContext).Name | Sort-Object | Should -Be 'local', 'second', 'test'
        @(Get-IaaSContext | Where-Object IsCurrent).Count | Should -Be 1
    }

    It 'finds by names and patterns' { (Get-IaaSContext s*, test).Name | Should -Be 'second', 'test' }

    It 'says when there is none of a name' {
        (Get-ErrorOf { Get-IaaSContext nowhere -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'ContextNotFound,*'
        Get-IaaSContext nowhere* -ErrorAction Stop | Should -BeNullOrEmpty
    }

    It 'says what is wrong with the list, and what to do' {
        $file = Get-ContextFile
        $content = Get-Content $file -Raw
        'not json' | Set-Content $file
        try {
            foreach ($command in { Get-IaaSContext -ErrorAction Stop }, { Get-IaaSVm -Context second -ErrorAction Stop }, { Get-IaaSVm -Context * -ErrorAction Stop }) {
                $failure = Get-ErrorOf $command
                $failure.FullyQualifiedErrorId | Should -BeLike 'ContextFileUnreadable,*'
                $failure.ErrorDetails.RecommendedAction | Should -Match 'Correct or delete'
            }
            TabExpansion2 'Get-IaaSVm -Context ' 20 | Should -Not -BeNullOrEmpty
        }
        finally { Set-Content $file $content -NoNewline }
    }
}

Describe '-Context' {
    It 'works in another context and leaves the current one alone' {
        (Get-IaaSVm -Context second).Name | Should -Be 'db01'
        (Start-IaaSVm db01 -Context second).Context | Should -Be 'second'
        Get-IaaSVm | ForEach-Object State | Should -Be Deallocated
        Stop-IaaSVm db01 -Context SECOND | Out-Null
    }

    It '* lists the machines of all, each with its own context' {
        $all = Get-IaaSVm -Context *
        $all.Name | Sort-Object | Should -Be 'db01', 'web01'
        ($all | Where-Object Name -EQ db01).Context | Should -Be 'second'
    }

    It '* holds for every machine that is named, in one go or on the pipeline' {
        (Get-IaaSVm web*, db* -Context *).Name | Should -Be 'web01', 'db01'
        ('web*', 'db*' | Get-IaaSVm -Context *).Name | Should -Be 'web01', 'db01'
    }

    It '* finds a name in whichever context has it, and fails where none has' {
        (Get-IaaSVm db01 -Context * -ErrorAction Stop).Context | Should -Be 'second'
        (Get-ErrorOf { Get-IaaSVm nobody -Context * -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'VmNotFound,*'
    }

    It 'is known by a machine, so that no cmdlet has to be told' {
        $started = Get-IaaSVm -Context * | Start-IaaSVm
        $started.Context | Sort-Object | Should -Be 'second', 'test'
        ($started | Get-IaaSVm).State | Should -Be Running, Running
        ($started | Select-Object Id, Name, Context | Stop-IaaSVm).State | Should -Be Deallocated, Deallocated
    }

    It 'that does not exist is an error with what to do' {
        $failure = Get-ErrorOf { Start-IaaSVm web01 -Context nowhere -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'ContextNotFound,*'
        $failure.CategoryInfo.Category | Should -Be ObjectNotFound
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Connect-IaaS'
    }
}

Describe 'Disconnect-IaaS' {
    It 'forgets a context and leaves its machines; connecting again finds them' {
        Connect-IaaS -Path (Join-Path $TestHome second) -Hypervisor Simulated -Name second | Out-Null
        (Disconnect-IaaS).Name | Should -Be 'second'
        (Get-IaaSContext).Name | Should -Not -Contain second
        Connect-IaaS -Path (Join-Path $TestHome second) -Hypervisor Simulated -Name second | Out-Null
        (Get-IaaSVm).Name | Should -Be 'db01'
        Connect-IaaS -Path $first.Path -Hypervisor Simulated -Name test | Out-Null
    }

    It 'forgets contexts from the pipeline' {
        foreach ($name in 'one', 'two') { Connect-IaaS -Path (Join-Path $TestHome second) -Hypervisor Simulated -Name $name | Out-Null }
        Connect-IaaS -Path $first.Path -Hypervisor Simulated -Name test | Out-Null
        (Get-IaaSContext one, two | Disconnect-IaaS).Name | Should -Be 'one', 'two'
        (Get-IaaSContext).Name | Should -Not -Contain one
    }

    It 'lets go of a context that another shell has forgotten' {
        Connect-IaaS -Path (Join-Path $TestHome second) -Hypervisor Simulated -Name shared | Out-Null
        Remove-Item (Get-ContextFile)
        @(Get-IaaSContext | Where-Object IsCurrent).Name | Should -Be 'shared'
        (Disconnect-IaaS).Name | Should -Be 'shared'
        (Get-IaaSContext | Where-Object IsCurrent).Name | Should -Be 'local'
        New-TestFabric (Join-Path $TestHome second) -Name second -Watched | Out-Null
        Connect-IaaS -Path $first.Path -Hypervisor Simulated -Name test | Out-Null
    }

    It 'says when there is no such context' {
        (Get-ErrorOf { Disconnect-IaaS nowhere -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'ContextNotFound,*'
    }
}

Describe 'A second runspace' {
    It 'starts with the context that was connected last, and changes only its own' {
        $other = [powershell]::Create()
        try {
            $run = {
                param($script)
                $other.Commands.Clear()
                $other.AddScript($script).Invoke()
                if ($other.HadErrors) { throw $other.Streams.Error[0] }
            }
            & $run "Import-Module '$ModulePath'; (Get-IaaSVm).Name" | Should -Be 'web01'
            & $run "Connect-IaaS -Path '$(Join-Path $TestHome second)' -Hypervisor Simulated -Name second | Out-Null; (Get-IaaSVm).Name" | Should -Be 'db01'
            (Get-IaaSVm).Name | Should -Be 'web01'
        }
        finally { $other.Dispose() }
        Connect-IaaS -Path $first.Path -Hypervisor Simulated -Name test | Out-Null
    }

    It 'of ForEach-Object -Parallel works on the machines it is given' {
        $module = $ModulePath
        $started = Get-IaaSVm -Context * | ForEach-Object -Parallel { Import-Module $using:module; $_ | Start-IaaSVm }
        $started.State | Should -Be Running, Running
        $started | Stop-IaaSVm | Out-Null
    }
}

Describe 'Another shell' {
    It 'finds the context and its machines' { Invoke-Shell '(Get-IaaSContext | Where-Object IsCurrent).Name; (Get-IaaSVm).Name' | Should -Be 'test', 'web01' }

    It 'uses the user''s own fabric when it never connected' -Skip:(-not $IsLinux) {
        $answer = Invoke-Shell "`$env:XDG_CONFIG_HOME = '$TestHome/empty'; `$c = Get-IaaSContext; `$c.Name; `$c.IsCurrent; `$c.Hypervisor; @(Get-IaaSVm).Count"
        $answer | Should -Be 'local', 'True', 'Qemu', '0'
    }
}
